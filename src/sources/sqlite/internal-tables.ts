// SQLite's own tables: they are made by SQLite when it needs them, and filled here.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { quoteName } from './identifiers.ts';
import { makeDefinition } from './make-definition.ts';
import { value } from './query.ts';
import { columnList, type Table } from './schema.ts';
import type { Target } from './target.ts';

/** Makes such a table where it is not there; their names are reserved, so the schema must be writable for it. */
export const makeInternalTable = (target: Target, table: Table): void => {
  if (isThere(target.db, table.name)) return;
  target.db.exec('PRAGMA writable_schema=ON');
  makeDefinition(target, table);
  target.db.exec('PRAGMA writable_schema=OFF');
};

/** Replaces the rows by those of the other database: all, or those whose first column is one of the names. */
export const copyRows = (
  from: DatabaseSync,
  to: DatabaseSync,
  table: Table,
  names: readonly string[] | undefined,
): void => {
  if (!isThere(to, table.name)) return;
  const columns = names === undefined ? table.columns : table.columns.filter(({ rowid }) => !rowid);
  const [first] = table.columns.filter(({ rowid }) => !rowid).map(({ name }) => quoteName(name));
  const which = names === undefined ? '' : ` WHERE ${first} IN (SELECT value FROM json_each(?))`;
  const values = names === undefined ? [] : [JSON.stringify(names)];
  const name = quoteName(table.name);
  to.prepare(`DELETE FROM main.${name}${which}`).run(...values);
  const rows = from
    .prepare(`SELECT ${columnList(columns)} FROM ${name} NOT INDEXED${which}`, {
      readBigInts: true,
      returnArrays: true,
    })
    .all(...values) as unknown as SQLInputValue[][];
  const insert = to.prepare(
    `INSERT INTO main.${name}(${columnList(columns)}) VALUES(${columns.map(() => '?').join(',')})`,
  );
  for (const row of rows) insert.run(...row);
};

const isThere = (db: DatabaseSync, name: string): boolean =>
  value<number>(db, 'SELECT count(*) FROM main.sqlite_schema WHERE name = ?', name) > 0;
