// Which tables and columns a statement reads, as the program of SQLite's machine has it (https://www.sqlite.org/opcode.html). The authorizer is
// not told of all: it hears nothing of the columns by which USING and NATURAL join tables.
import type { DatabaseSync } from 'node:sqlite';
import { quoteName } from '#sources/sqlite/identifiers.ts';

export interface ColumnRead {
  readonly schema: string;
  readonly table: string;
  /** Its place among the table's columns; undefined for the table itself. */
  readonly at: number | undefined;
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
  const opened = new Map<bigint, ColumnRead>();
  const read: ColumnRead[] = [];
  for (const { opcode, p1: cursor, p2: root, p3: database } of program) {
    const table = opcode === 'OpenRead' ? tables.get(`${database} ${root}`) : undefined;
    if (!table) continue;
    opened.set(cursor, table);
    read.push(table);
  }
  for (const { opcode, p1: cursor, p2: at } of program) {
    const table = opcode === 'Column' ? opened.get(cursor) : undefined;
    if (table) read.push({ ...table, at: Number(at) });
  }
  return read;
};

/** By the number of the database and of the page where the table begins. */
const tablesByRoot = (db: DatabaseSync): Map<string, ColumnRead> =>
  new Map(
    rowsOf<{ seq: bigint; name: string }>(db, 'PRAGMA database_list').flatMap(({ seq, name: schema }) =>
      rowsOf<{ name: string; rootpage: bigint }>(
        db,
        `SELECT name, rootpage FROM ${quoteName(schema)}.sqlite_schema`,
      ).map(({ name: table, rootpage }) => [`${seq} ${rootpage}`, { schema, table, at: undefined }] as const),
    ),
  );

const rowsOf = <Row>(db: DatabaseSync, sql: string): Row[] => db.prepare(sql).all() as Row[];
