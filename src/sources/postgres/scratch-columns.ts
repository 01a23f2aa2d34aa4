// The columns of tables in a trial restore. Those that an heir shares with its parents come first in a database that is restored,
// whatever the order was before; rows are compared in the order in which the snapshot has them.
import { parsedFile } from '../needed-file.ts';
import type { Entry } from '../source.ts';
import { parseContents } from './contents.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles, type Place } from './layout.ts';
import type { Table } from './listing.ts';
import { passingFiles } from './scratch-files.ts';

export interface CapturedColumns {
  /** The entries; takes down which columns each table has. */
  watch(entries: AsyncIterable<Entry>): AsyncIterable<Entry>;
  /** A table of a copy, with the same columns in the order that was captured. */
  inOrder(copy: string, table: Table): Table;
}

/** `names` are those of the copies, by the databases' own. */
export const capturedColumns = (names: ReadonlyMap<string, string>): CapturedColumns => {
  const captured = passingFiles(names, contentsOf, columnsOfTables);
  return {
    watch: captured.watch,
    inOrder(copy, table) {
      const before = captured.of(copy)?.get(plainName(table)) ?? [];
      const found = new Set(table.columns);
      const isSame = before.length === found.size && before.every((column) => found.has(column));
      return isSame ? { ...table, columns: before } : table;
    },
  };
};

const contentsOf = (place: Place): string | undefined =>
  place.kind === 'file' && place.file === databaseFiles.contents ? place.database : undefined;

const columnsOfTables = (path: string, bytes: Buffer): ReadonlyMap<string, readonly string[]> => {
  const { tables } = parsedFile(path, bytes.toString('utf8'), parseContents);
  return new Map(tables.map((table) => [plainName(table), table.columns]));
};
