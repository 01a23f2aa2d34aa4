// What a table holds after its rows were loaded, counted as they were when they were captured.
import { combine, createRowCounter, noRows, type RowCount } from '#lib/row-checksum.ts';
import type { Connection } from './connect.ts';
import type { ContentsTable } from './contents.ts';
import { quoteIdentifier } from './identifiers.ts';
import { databaseInUse, listColumns } from './listing.ts';
import { selectHistorySql, selectSql } from './load-data.ts';

/** Of the database in use. */
export const readBack = async (
  connection: Connection,
  { name, history }: ContentsTable,
  takesHistory: boolean,
): Promise<RowCount> => {
  const listed = await listColumns(connection, await databaseInUse(connection));
  const columns = listed.get(name) ?? listed.get(name.toLowerCase()) ?? []; // as servers on Windows keep names
  const selected = { columns, hasPrimaryKey: false, ...(history && { history }) };
  const table = quoteIdentifier(name);
  const parts = [selectSql(table, selected)];
  if (history && takesHistory) parts.push(selectHistorySql(table, selected, history));
  let total = noRows;
  for (const sql of parts) total = combine(total, await countOf(connection, sql));
  return total;
};

const countOf = async (connection: Connection, sql: string): Promise<RowCount> => {
  const counter = createRowCounter('lines');
  for await (const chunk of connection.rows(sql, () => {})) counter.update(chunk);
  return counter.finish();
};
