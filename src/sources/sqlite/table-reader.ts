// What is in the rows of a snapshot: INSERT statements.
import { splitLines } from '#lib/split-lines.ts';
import { sqlValues } from '../sql-values.ts';
import type { RowShape, RowValues, TableReader } from '../table-reader.ts';
import { createFile } from './layout.ts';
import { all } from './query.ts';
import { insertPrefix } from './row-sql.ts';
import type { Table } from './schema.ts';
import { openScratch } from './scratch.ts';

export const tableReader: TableReader = {
  definitions: [createFile],
  shapes(files) {
    using scratch = openScratch();
    scratch.load(files.get(createFile)?.toString('utf8') ?? '');
    const shapes = new Map(
      scratch.schema().tables.map((table): [string, RowShape] => {
        const primary = all<{ name: string }>(
          scratch.db,
          "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE pk > 0 AND hidden = 0 ORDER BY pk",
          table.name,
        ).map(({ name }) => name);
        const rowid = table.columns.filter((column) => column.rowid !== undefined).map(({ name }) => name);
        return [table.name, shapeOf(table, primary.length > 0 ? primary : rowid)];
      }),
    );
    return (table) => shapes.get(table);
  },
  isPlain: true,
  split: splitLines,
};

const shapeOf = (table: Table, key: readonly string[]): RowShape => {
  const prefix = insertPrefix(table);
  return { key, valuesOf: (row) => valuesOf(row, table, prefix) };
};

/** Literals, since each value has a type of its own: '1' is not 1. */
const valuesOf = (row: Buffer, { columns }: Table, prefix: string): RowValues => {
  const values = sqlValues(row.toString('utf8'), prefix.length);
  return new Map(
    columns.map(({ name }, at): [string, string | null] => {
      const value = values[at] ?? 'NULL';
      return [name, value === 'NULL' ? null : value];
    }),
  );
};
