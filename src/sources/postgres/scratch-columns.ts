// The columns of tables in a trial restore. Those that an heir shares with its parents come first in a database that is restored,
// whatever the order was before; rows are compared in the order in which the snapshot has them.
import { parsedFile } from '../needed-file.ts';
import { bytesOf } from '../restore-report.ts';
import type { Entry } from '../source.ts';
import { parseContents } from './contents.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles, parsePath } from './layout.ts';
import type { Table } from './listing.ts';

export interface CapturedColumns {
  /** The entries; takes down which columns each table has. */
  watch(entries: AsyncIterable<Entry>): AsyncIterable<Entry>;
  /** A table of a copy, with the same columns in the order that was captured. */
  inOrder(copy: string, table: Table): Table;
}

/** `names` are those of the copies, by the databases' own. */
export const capturedColumns = (names: ReadonlyMap<string, string>): CapturedColumns => {
  const captured = new Map<string, ReadonlyMap<string, readonly string[]>>();
  return {
    async *watch(entries) {
      for await (const entry of entries) {
        const { path, content } = entry;
        const database = content && databaseOf(path);
        if (content === undefined || database === undefined) yield entry;
        else {
          const bytes = await bytesOf(path, content.bind(entry));
          const { tables } = parsedFile(path, bytes.toString('utf8'), parseContents);
          captured.set(
            names.get(database) ?? database,
            new Map(tables.map((table) => [plainName(table), table.columns])),
          );
          yield { ...entry, content: () => [bytes] };
        }
      }
    },
    inOrder(copy, table) {
      const before = captured.get(copy)?.get(plainName(table)) ?? [];
      const found = new Set(table.columns);
      const isSame = before.length === found.size && before.every((column) => found.has(column));
      return isSame ? { ...table, columns: before } : table;
    },
  };
};

const databaseOf = (path: string): string | undefined => {
  const place = parsePath(path);
  return place.kind === 'file' && place.file === databaseFiles.contents ? place.database : undefined;
};
