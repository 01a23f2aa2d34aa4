// Tables, table types, sequences and types as T-SQL.
import { quoteIdentifier, quoteName, quoteText } from './identifiers.ts';
import type { Column, Contents, Sequence, Table } from './model.ts';
import { baseTypeSql, typeSql } from './type-sql.ts';

/** Columns and defaults only: keys, indexes and constraints come when the rows are there. */
export const createTableSql = (table: Table): string =>
  `CREATE TABLE ${quoteName(table)} (\n${table.columns.map((column) => `  ${columnSql(column)}`).join(',\n')}\n)`;

const columnSql = (column: Column): string => {
  const name = quoteIdentifier(column.name);
  const { computed } = column;
  if (computed) {
    const kept = computed.persisted ? ` PERSISTED${column.nullable ? '' : ' NOT NULL'}` : '';
    return `${name} AS ${computed.definition}${kept}`;
  }
  return [
    name,
    typeSql(column.type),
    // The collation of a type of the users' own belongs to it.
    column.collation !== undefined && column.type.schema === undefined && `COLLATE ${column.collation}`,
    column.sparse && 'SPARSE',
    column.identity && `IDENTITY(${column.identity.seed},${column.identity.increment})`,
    column.rowGuid && 'ROWGUIDCOL',
    column.nullable ? 'NULL' : 'NOT NULL',
    column.default &&
      column.type.base !== 'timestamp' &&
      `CONSTRAINT ${quoteIdentifier(column.default.name)} DEFAULT ${column.default.definition}`,
  ]
    .filter((part) => typeof part === 'string')
    .join(' ');
};

/** Of a table type all is said at once, and its constraints have no names. */
export const createTableTypeSql = ({
  columns,
  indexes,
  checks,
  ...name
}: Contents['tableTypes'][number]): string => {
  const lines = [
    ...columns.map((column) =>
      columnSql(column).replace(/ CONSTRAINT \[(?:[^\]]|\]\])*\] DEFAULT /, ' DEFAULT '),
    ),
    ...indexes.map(({ kind, name: index, clustered, unique, columns: keys }) => {
      const key = keys.map(keyColumnSql).join(', ');
      const order = clustered ? 'CLUSTERED' : 'NONCLUSTERED';
      if (kind === 'primary key' || kind === 'unique') return `${kind.toUpperCase()} ${order} (${key})`;
      return `INDEX ${quoteIdentifier(index)}${unique ? ' UNIQUE' : ''} ${order} (${key})`;
    }),
    ...checks.map(({ definition }) => `CHECK ${definition}`),
  ];
  return `CREATE TYPE ${quoteName(name)} AS TABLE (\n${lines.map((line) => `  ${line}`).join(',\n')}\n)`;
};

export const keyColumnSql = ({
  name,
  descending,
}: {
  readonly name: string;
  readonly descending: boolean;
}): string => `${quoteIdentifier(name)}${descending ? ' DESC' : ''}`;

export const createTypeSql = ({ base, nullable, ...name }: Contents['types'][number]): string =>
  `CREATE TYPE ${quoteName(name)} FROM ${baseTypeSql(base)} ${nullable ? 'NULL' : 'NOT NULL'}`;

export const createSequenceSql = (sequence: Sequence): string => {
  const { cache } = sequence;
  const cached = cache < 0 ? 'CACHE' : cache === 0 ? 'NO CACHE' : `CACHE ${cache}`;
  return `CREATE SEQUENCE ${quoteName(sequence)} AS ${typeSql(sequence.type)} START WITH ${sequence.start} INCREMENT BY ${sequence.increment} MINVALUE ${sequence.minimum} MAXVALUE ${sequence.maximum} ${sequence.cycle ? 'CYCLE' : 'NO CYCLE'} ${cached}`;
};

/** It goes on where it was: its last value is taken once more, so that nobody else gets it. */
export const restartSequenceSql = (sequence: Sequence): string[] => {
  const { start, current, used } = sequence;
  const restart = current === start ? [] : [`ALTER SEQUENCE ${quoteName(sequence)} RESTART WITH ${current}`];
  return used ? [...restart, `SELECT NEXT VALUE FOR ${quoteName(sequence)} AS taken`] : restart;
};

/**
 * Where an identity column goes on; undefined for a table without one. A table that never had a row gives out the number itself,
 * any other the one after it.
 */
export const reseedSql = (table: Table): string | undefined => {
  const identity = table.columns.find((column) => column.identity)?.identity;
  if (identity?.last === undefined) return undefined;
  const name = quoteText(quoteName(table));
  // Babelfish takes the N of a national literal for a part of the name.
  const plain = /^[ -~]*$/.test(name) ? name.slice(1) : name;
  const reseed = (value: string | bigint): string => `DBCC CHECKIDENT (${plain}, RESEED, ${value})`;
  const next = BigInt(identity.last) + BigInt(identity.increment);
  return `IF EXISTS (SELECT 1 FROM ${quoteName(table)}) ${reseed(identity.last)} ELSE ${reseed(next)}`;
};

/** Columns whose values are in the backup, in their order: what the server makes by itself cannot be inserted. */
export const storedColumns = ({ columns }: Pick<Table, 'columns'>): readonly Column[] =>
  columns.filter(
    ({ computed, type }) => !computed && type.base !== 'timestamp' && type.base !== 'rowversion',
  );

/** How a statement begins that inserts one row into the table. */
export const insertPrefix = (table: Table): string => {
  const columns = storedColumns(table).map(({ name }) => quoteIdentifier(name));
  return columns.length === 0
    ? `INSERT INTO ${quoteName(table)} DEFAULT VALUES`
    : `INSERT INTO ${quoteName(table)} (${columns.join(',')}) VALUES (`;
};

/** How the lines of its rows begin. A name with a line break cannot stand in a line: such rows go by way of another table. */
export const linePrefix = (table: Table): string =>
  needsDetour(table) ? `INSERT INTO ${detourTable} VALUES (` : insertPrefix(table);

const detourTable = '#holdfast_rows';
const needsDetour = (table: Table): boolean =>
  /[\n\r]/.test(insertPrefix(table)) && storedColumns(table).length > 0;

/** What sqlcmd needs before and after the rows of a table, in the same session; undefined where that is nothing. */
export const aroundRows = (table: Table): { readonly begin: string; readonly end: string } | undefined => {
  const name = quoteName(table);
  const identity = table.columns.some((column) => column.identity);
  if (!identity && !needsDetour(table)) return undefined;
  const [on, off] = identity
    ? ['ON', 'OFF'].map((state) => `SET IDENTITY_INSERT ${name} ${state};\n`)
    : ['', ''];
  if (!needsDetour(table)) return { begin: `GO\n${on}GO\n`, end: `GO\n${off}GO\n` };
  const columns = storedColumns(table)
    .map((column) => quoteIdentifier(column.name))
    .join(',');
  // A union leaves out that a column is an identity.
  const empty = `SELECT TOP 0 ${columns} FROM ${name}`;
  return {
    begin: `GO\nSELECT * INTO ${detourTable} FROM (${empty} UNION ALL ${empty}) AS shape;\nGO\n`,
    end: `GO\n${on}INSERT INTO ${name} (${columns}) SELECT * FROM ${detourTable};\nDROP TABLE ${detourTable};\n${off}GO\n`,
  };
};
