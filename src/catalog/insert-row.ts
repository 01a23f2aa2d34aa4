// A row of any table of the catalog.
import type { DatabaseSync, SQLInputValue, StatementResultingChanges } from 'node:sqlite';

/** The columns are those that the row names; `suffix` is what SQL has behind the values. */
export const insertRow = (
  database: DatabaseSync,
  table: string,
  row: Readonly<Record<string, SQLInputValue>>,
  suffix = '',
): StatementResultingChanges => {
  const columns = Object.keys(row);
  return database
    .prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')}) ${suffix}`)
    .run(...Object.values(row));
};
