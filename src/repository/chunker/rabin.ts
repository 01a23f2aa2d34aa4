// restic's chunker (github.com/restic/chunker): the same cuts, so files are shared with snapshots that restic makes.
import { instantiate } from '#lib/wasm/instance.ts';
import { type Chunker, type Cutting, createChunker } from './chunker.ts';
import { chunkerDegree, degreeOf } from './polynomial.ts';

export const rabinMinBytes = 512 * 1024;
export const rabinMaxBytes = 8 * 1024 * 1024;

/** Four lanes of wasm/assembly/rabin.ts; longer steps would search further beyond the cut, which is in vain. */
const stepBytes = 64 * 1024;

/** A chunker for files and streams; the polynomial is the repository's, irreducible and of degree 53. */
export const rabinChunker = (polynomial: bigint): Chunker => {
  if (degreeOf(polynomial) !== chunkerDegree)
    throw new RangeError(`the polynomial ${polynomial.toString(16)} is not of degree ${chunkerDegree}`);
  const instance = instantiate(2 * (rabinMaxBytes + stepBytes));
  const { rabinStart, rabinFind } = instance.functions;
  rabinStart(polynomial);
  return createChunker(instance.memory, cutting(rabinFind));
};

/** `find` gives the lowest cut in [from, to), or `to`. */
const cutting = (find: (from: number, to: number) => number): Cutting => {
  /** So much of the chunk has no cut. */
  let searched = rabinMinBytes;
  const cutAt = (position: number): number => {
    searched = rabinMinBytes;
    return position;
  };
  return {
    reset() {
      searched = rabinMinBytes;
    },
    cut(start, end, last) {
      const limit = Math.min(end, start + rabinMaxBytes);
      const final = last || limit === start + rabinMaxBytes;
      for (let from = start + searched; from < limit; from = start + searched) {
        const to = Math.min(limit, from + stepBytes);
        if (to - from < stepBytes && !final) return 0;
        const found = find(from, to);
        if (found < to) return cutAt(found);
        searched = to - start;
      }
      return final && limit > start ? cutAt(limit) : 0;
    },
  };
};
