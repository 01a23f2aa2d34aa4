// What was read of a table, beside what its manifest says.
import { hasCode, messageOf } from '#lib/errors.ts';
import { combine, createRowCounter, noRows, type RowCount } from '#lib/row-checksum.ts';
import type { Content } from '#sources/source.ts';
import { entriesOf, type FoundManifest } from './manifests.ts';

export interface TableTally {
  /** Where the table's data lies in the snapshot. */
  readonly paths: readonly string[];
  readonly count: RowCount;
  /** Counts the rows of one of its entries while they pass to the reader. */
  counting(path: string, content: Content): AsyncIterable<Uint8Array>;
  /** All of its entries have been read to their end. */
  readonly complete: boolean;
  /** When all is read: each difference as a sentence. */
  differences(): string[];
}

/** A tally for each table of each manifest. */
export const tallies = (found: readonly FoundManifest[]): TableTally[] =>
  found.flatMap((one) => one.manifest.tables.map((table) => tallyOf(one, table)));

const tallyOf = (one: FoundManifest, table: FoundManifest['manifest']['tables'][number]): TableTally => {
  const paths = entriesOf(one, table);
  const unread = new Set(paths);
  const broken: string[] = [];
  let sum = noRows;
  return {
    paths,
    get count() {
      return sum;
    },
    get complete() {
      return unread.size === 0;
    },
    async *counting(path, content) {
      const counter = createRowCounter(table.format);
      try {
        for await (const chunk of content) {
          counter.update(chunk);
          yield chunk;
        }
        sum = combine(sum, counter.finish());
      } catch (error) {
        if (!hasCode(error, 'ITEM_UNREADABLE')) throw error;
        broken.push(messageOf(error));
      }
      unread.delete(path);
    },
    differences() {
      const name = `${one.folder}: table ${table.name}`;
      if (broken.length > 0) return broken.map((text) => `${name}: ${text}`);
      if (unread.size > 0) return [`${name}: ${[...unread].join(', ')} is not in the snapshot`];
      return differencesBetween(sum, table).map((text) => `${name}: ${text}`);
    },
  };
};

/** What was counted beside what was captured. */
export const differencesBetween = (read: RowCount, captured: RowCount): string[] => {
  const found: string[] = [];
  if (read.rows !== captured.rows) found.push(`${read.rows} rows, captured were ${captured.rows}`);
  if (read.bytes !== captured.bytes) found.push(`${read.bytes} bytes, captured were ${captured.bytes}`);
  if (found.length === 0 && read.checksum !== captured.checksum)
    found.push(
      `its rows are not those captured: checksum ${read.checksum}, captured was ${captured.checksum}`,
    );
  return found;
};
