// Rows in bulk: as text and bytes into a temporary table, and from there, turned into their types by the server, to where they belong.
// So nothing depends on how a driver or a server packs decimals or times.
import { hasCode } from '#lib/errors.ts';
import { foreignSnapshot } from '../damaged-snapshot.ts';
import type { BulkColumn, Connection } from './connect.ts';
import { plainName, quoteIdentifier, quoteName } from './identifiers.ts';
import type { LiteralValue } from './literal.ts';
import type { Table } from './model.ts';
import { readRow } from './read-row.ts';
import { linePrefix, storedColumns } from './table-sql.ts';
import { codecOf } from './value-codec.ts';

export interface BulkPlan {
  readonly prefix: string;
  readonly columns: readonly BulkColumn[];
  readonly create: string;
  readonly move: string;
}

const stagingTable = '#holdfast_rows';

/** How a table's rows go in bulk; undefined for one with a type that must not be loaded so. `prefix` is that of its lines. */
export const bulkPlan = (table: Table, into: Table): BulkPlan | undefined => {
  const stored = storedColumns(table);
  const staged = stored.map((column) => codecOf(column).staged);
  if (stored.length === 0 || staged.some((each) => each === undefined)) return undefined;
  const columns = staged.map((each, at): BulkColumn => ({ name: `c${at}`, as: each?.as ?? 'text' }));
  const definitions = columns.map(
    ({ name, as }) => `${name} ${as === 'text' ? 'nvarchar(max)' : 'varbinary(max)'} NULL`,
  );
  const names = stored.map(({ name }) => quoteIdentifier(name)).join(',');
  const values = staged.map((each, at) => each?.value(`c${at}`)).join(',');
  return {
    prefix: linePrefix(table),
    columns,
    create: `CREATE TABLE ${stagingTable} (${definitions.join(', ')})`,
    move: `INSERT INTO ${quoteName(into)} (${names}) SELECT ${values} FROM ${stagingTable}`,
  };
};

export const beginBulk = (connection: Connection, plan: BulkPlan): Promise<void> =>
  connection.run(plan.create);
export const endBulk = (connection: Connection): Promise<void> =>
  connection.run(`DROP TABLE ${stagingTable}`);

/** Loads some lines. TARGET_FAILED for a line that a dump does not write. */
export const loadInBulk = async (
  connection: Connection,
  table: Table,
  plan: BulkPlan,
  lines: readonly string[],
): Promise<void> => {
  const rows = lines.map((line) => readRow(line, plan.prefix, plan.columns.length) ?? refuse(table, line));
  await connection.bulkLoad(stagingTable, plan.columns, rows.map(fitted(plan.columns)));
  await connection.run(plan.move, `TRUNCATE TABLE ${stagingTable}`);
};

const fitted =
  (columns: readonly BulkColumn[]) =>
  (values: readonly LiteralValue[]): LiteralValue[] =>
    values.map((value, at) =>
      columns[at]?.as === 'bytes' && typeof value === 'string' ? Buffer.from(value) : value,
    );

const refuse = (table: Table, line: string): never => {
  throw foreignSnapshot(`a row of ${plainName(table)} is not as a backup has it: ${line.slice(0, 60)}…`);
};

/**
 * Whether the server takes in bulk what is sent to it: tried with texts and bytes that are easily spoilt, on a connection of its own,
 * because one that a server does not understand may end.
 */
export const bulkWorks = async (open: () => Promise<Connection>): Promise<boolean> => {
  await using connection = await open();
  try {
    await connection.run(`CREATE TABLE ${stagingTable} (c0 nvarchar(max) NULL, c1 varbinary(max) NULL)`);
    await connection.bulkLoad(stagingTable, trialColumns, trialRows);
    const found = await connection.query<{ c0: string | null; c1: Uint8Array | null }>(
      `SELECT c0, c1 FROM ${stagingTable}`,
    );
    const expected = trialRows.map(([text, bytes]) => shape(text, bytes)).toSorted();
    return JSON.stringify(found.map(({ c0, c1 }) => shape(c0, c1)).toSorted()) === JSON.stringify(expected);
  } catch (error) {
    if (hasCode(error, 'CANCELLED')) throw error;
    return false; // rows go by INSERT
  }
};

const trialColumns: readonly BulkColumn[] = [
  { name: 'c0', as: 'text' },
  { name: 'c1', as: 'bytes' },
];

const trialRows: readonly (string | Buffer | null)[][] = [
  ['é🐙 \t"\'', Buffer.from([0, 255, 10])],
  ['', Buffer.alloc(0)],
  [null, null],
  ['long '.repeat(2000), Buffer.alloc(9000, 7)],
];

const shape = (text: unknown, bytes: unknown): string =>
  JSON.stringify([text, bytes instanceof Uint8Array ? Buffer.from(bytes).toString('hex') : bytes]);
