// What is in the rows of a snapshot: INSERT statements.
import { splitLines } from '#lib/split-lines.ts';
import { sqlValues } from '../sql-values.ts';
import type { RowShape, RowValues, SqlColumn, SqlType, TableReader } from '../table-reader.ts';
import { foldName } from './identifiers.ts';
import { createFile } from './layout.ts';
import { valueOfLiteral } from './literal.ts';
import { all } from './query.ts';
import { insertPrefix } from './row-sql.ts';
import type { Column, Table } from './schema.ts';
import { openScratch } from './scratch.ts';

export const tableReader: TableReader = {
  definitions: [createFile],
  shapes(files) {
    using scratch = openScratch();
    scratch.load(files.get(createFile)?.toString('utf8') ?? '');
    const { tables, settings } = scratch.schema();
    const shapes = new Map(
      tables.map((table): [string, RowShape] => {
        const primary = all<{ name: string }>(
          scratch.db,
          "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE pk > 0 AND hidden = 0 ORDER BY pk",
          table.name,
        ).map(({ name }) => name);
        const rowid = table.columns.filter((column) => column.rowid !== undefined).map(({ name }) => name);
        return [table.name, shapeOf(table, primary.length > 0 ? primary : rowid, settings.encoding)];
      }),
    );
    return (table) => shapes.get(table);
  },
  isPlain: true,
  split: splitLines,
};

const shapeOf = (table: Table, key: readonly string[], encoding: string): RowShape => {
  const prefix = insertPrefix(table);
  return {
    key,
    valuesOf: (row) => valuesOf(row, table, prefix),
    columns: table.columns.map(sqlColumn),
    sqlReader(wanted) {
      const places = wanted.map((name) => table.columns.findIndex((column) => column.name === name));
      return (row) => {
        const values = sqlValues(row.toString('utf8'), prefix.length);
        return places.map((at) => valueOfLiteral(values[at] ?? 'NULL', encoding));
      };
    },
  };
};

const sqlColumn = ({ name, type, rowid }: Column): SqlColumn => ({
  name,
  type: rowid ? 'INTEGER' : affinityOf(foldName(type)),
});

/** https://www.sqlite.org/datatype3.html#determination_of_column_affinity; ANY is that of STRICT tables. */
const affinityOf = (declared: string): SqlType => {
  if (declared.includes('int')) return 'INTEGER';
  if (/char|clob|text/.test(declared)) return 'TEXT';
  if (declared === '' || declared === 'any' || declared.includes('blob')) return '';
  return /real|floa|doub/.test(declared) ? 'REAL' : 'NUMERIC';
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
