// restic's chunker (github.com/restic/chunker): the same cuts, so files are shared with snapshots that restic makes.
import { instantiate } from '#lib/wasm/instance.ts';
import { type Chunker, createChunker, dataBytesFor } from './chunker.ts';
import { chunkerDegree, degreeOf } from './polynomial.ts';

export const rabinMinBytes = 512 * 1024;
export const rabinMaxBytes = 8 * 1024 * 1024;

/** Four lanes of wasm/assembly/rabin.ts; longer steps would search further beyond the cut, which is in vain. */
const stepBytes = 64 * 1024;

/** A chunker for files and streams; the polynomial is the repository's, irreducible and of degree 53. */
export const rabinChunker = (polynomial: bigint): Chunker => {
  if (degreeOf(polynomial) !== chunkerDegree)
    throw new RangeError(`the polynomial ${polynomial.toString(16)} is not of degree ${chunkerDegree}`);
  const instance = instantiate(dataBytesFor(rabinMaxBytes, stepBytes, 0));
  const { rabinStart, rabinFind } = instance.functions;
  rabinStart(polynomial);
  return createChunker({
    instance,
    minBytes: rabinMinBytes,
    maxBytes: rabinMaxBytes,
    stepBytes,
    find: (_start, from, to) => rabinFind(from, to),
  });
};
