// Owners and privileges of large objects in a trial restore. A role that may not set them keeps the objects itself, of which the
// restore tells; what is compared with the snapshot is then taken to have those of the snapshot.
import { bytesOf } from '../restore-report.ts';
import type { Entry } from '../source.ts';
import type { Place } from './layout.ts';
import { passingFiles } from './scratch-files.ts';

type Lines = ReadonlyMap<string, readonly string[]>;

export interface CapturedOwners {
  /** The entries; takes down the definitions of large objects. */
  watch(entries: AsyncIterable<Entry>): AsyncIterable<Entry>;
  /** Definitions of a copy, where another role owns an object with the owner and the privileges that were captured. */
  recast(copy: string, rows: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** `names` are those of the copies, by the databases' own. */
export const capturedOwners = (names: ReadonlyMap<string, string>): CapturedOwners => {
  const captured = passingFiles(names, definitionsOf, (_, bytes) => linesOf(bytes));
  return {
    watch: captured.watch,
    async *recast(copy, rows) {
      const lines = captured.of(copy);
      if (lines === undefined) return yield* rows;
      for (const [object, found] of linesOf(await bytesOf(copy, () => rows))) {
        const before = lines.get(object);
        const [owner, , ...privileges] = before && before[0] !== found[0] ? before : found;
        yield Buffer.from(`${[object, owner, found[1], ...privileges].join('\t')}\n`, 'latin1');
      }
    },
  };
};

const definitionsOf = (place: Place): string | undefined =>
  place.kind === 'large-objects' && place.group === 'definitions' ? place.database : undefined;

/** Owner, comment and privileges by number; COPY writes a row a line, with escapes for tabs and line breaks in values. */
const linesOf = (bytes: Buffer): Lines =>
  new Map(
    bytes
      .toString('latin1')
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [object = '', ...rest] = line.split('\t');
        return [object, rest] as const;
      }),
  );
