// What is in the rows of a snapshot: INSERT statements.
import { splitLines } from '#lib/split-lines.ts';
import { sqlValues } from '../sql-values.ts';
import {
  keyWithin,
  type RowShape,
  type RowValues,
  type SqlColumn,
  type SqlType,
  type TableReader,
} from '../table-reader.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles } from './layout.ts';
import { readLiteral } from './literal.ts';
import { parseContents, type Table } from './model.ts';
import { linePrefix, storedColumns } from './table-sql.ts';

export const tableReader: TableReader = {
  definitions: [databaseFiles.contents],
  shapes(files) {
    const file = files.get(databaseFiles.contents);
    if (!file) return () => undefined;
    const tables = parseContents(file.toString('utf8')).tables;
    const shapes = new Map(tables.map((table) => [plainName(table), shapeOf(table)]));
    return (table) => shapes.get(table);
  },
  isPlain: true,
  split: splitLines,
};

const shapeOf = (table: Table): RowShape => {
  const stored = storedColumns(table);
  const columns = stored.map(({ name }) => name);
  const primary = table.indexes.find(({ kind }) => kind === 'primary key');
  const key = keyWithin(primary?.columns.map(({ name }) => name) ?? [], columns);
  const prefix = linePrefix(table);
  return {
    key,
    valuesOf: (row) => valuesOf(row, columns, prefix),
    columns: stored.map(({ name, type }): SqlColumn => ({ name, type: sqlTypes.get(type.base) ?? 'TEXT' })),
    sqlReader(wanted) {
      const places = wanted.map((name) => columns.indexOf(name));
      return (row) => {
        const values = sqlValues(row.toString('utf8'), prefix.length);
        return places.map((at) => valueIn(values[at] ?? 'NULL'));
      };
    },
  };
};

const sqlTypes: ReadonlyMap<string, SqlType> = new Map([
  ...['bigint', 'int', 'smallint', 'tinyint', 'bit'].map((base) => [base, 'INTEGER'] as const),
  ...['decimal', 'numeric', 'money', 'smallmoney'].map((base) => [base, 'NUMERIC'] as const),
  ...['float', 'real'].map((base) => [base, 'REAL'] as const),
  ...['binary', 'varbinary', 'image'].map((base) => [base, 'BLOB'] as const),
]);

const valuesOf = (row: Buffer, columns: readonly string[], prefix: string): RowValues => {
  if (columns.length === 0) return new Map();
  const values = sqlValues(row.toString('utf8'), prefix.length);
  return new Map(columns.map((name, at) => [name, told(values[at] ?? 'NULL')]));
};

/** Texts as they are, all else as its literal or expression. */
const told = (literal: string): string | null => {
  const value = valueIn(literal);
  return value instanceof Uint8Array ? literal : value;
};

const valueIn = (literal: string): string | Buffer | null => {
  const read = readLiteral(literal, 0);
  return read?.end === literal.length ? read.value : literal;
};
