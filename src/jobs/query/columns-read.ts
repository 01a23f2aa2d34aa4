// Which columns a statement reads, as the program of SQLite's machine has it (https://www.sqlite.org/opcode.html). The authorizer is
// not told of all: it hears nothing of the columns by which USING and NATURAL join tables.
import type { DatabaseSync } from 'node:sqlite';
import { quoteName } from '#sources/sqlite/identifiers.ts';

export interface ColumnRead {
  readonly schema: string;
  readonly table: string;
  /** Its place among the table's columns. */
  readonly at: number;
}

interface Instruction {
  readonly opcode: string;
  readonly p1: bigint;
  readonly p2: bigint;
  readonly p3: bigint;
}

/** The statement must be one that SQLite takes, and none that explains another. */
export const columnsRead = (db: DatabaseSync, sql: string): ColumnRead[] => {
  const program = rowsOf<Instruction>(db, `EXPLAIN ${sql}`);
  const tables = tablesByRoot(db);
  const opened = new Map<bigint, { readonly schema: string; readonly table: string }>();
  for (const { opcode, p1: cursor, p2: root, p3: database } of program) {
    const table = opcode === 'OpenRead' ? tables.get(`${database} ${root}`) : undefined;
    if (table) opened.set(cursor, table);
  }
  return program.flatMap(({ opcode, p1: cursor, p2: at }) => {
    const table = opcode === 'Column' ? opened.get(cursor) : undefined;
    return table ? [{ ...table, at: Number(at) }] : [];
  });
};

/** By the number of the database and of the page where the table begins. */
const tablesByRoot = (db: DatabaseSync): Map<string, { readonly schema: string; readonly table: string }> =>
  new Map(
    rowsOf<{ seq: bigint; name: string }>(db, 'PRAGMA database_list').flatMap(({ seq, name: schema }) =>
      rowsOf<{ name: string; rootpage: bigint }>(
        db,
        `SELECT name, rootpage FROM ${quoteName(schema)}.sqlite_schema`,
      ).map(({ name: table, rootpage }) => [`${seq} ${rootpage}`, { schema, table }] as const),
    ),
  );

const rowsOf = <Row>(db: DatabaseSync, sql: string): Row[] => db.prepare(sql).all() as Row[];
