// Small questions to a database. The caller names the shape of a row, as the statement has it.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

/** All rows: for answers that fit in memory. */
export const all = <Row>(db: DatabaseSync, sql: string, ...values: readonly SQLInputValue[]): Row[] =>
  db.prepare(sql).all(...values) as Row[];

/** The first column of the first row. */
export const value = <Value>(db: DatabaseSync, sql: string, ...values: readonly SQLInputValue[]): Value => {
  const [row] = db.prepare(sql).all(...values);
  return Object.values(row ?? {})[0] as Value;
};
