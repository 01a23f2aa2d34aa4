// Databases for tests, and other eyes to compare them with.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '#lib/clock.ts';
import { type ErrorCode, hasCode } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { silentLog } from '#lib/log.ts';
import { jumpingClock } from '#lib/testing.ts';
import type { RestoreReport, RestoreTarget, Source } from '../source.ts';
import { type CapturedEntry, capture, intoEmpty, replay } from '../testing.ts';
import { sqlite } from './sqlite.ts';

/** The source of a database's file, with whatever else its configuration says. */
export const openSqlite = async (
  path: string,
  config: Record<string, unknown> = {},
  context: Partial<Context> = {},
): Promise<Source> =>
  await sqlite.open(sqlite.config.parse({ path, ...config }), {
    name: 'shop',
    signal: new AbortController().signal,
    log: silentLog,
    clock: systemClock,
    ...context,
  });

/** Runs statements on a database, which is made if need be. */
export const execute = (path: string, sql: string): void => {
  const db = new DatabaseSync(path, {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
    defensive: false,
  });
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
};

/** All rows of a query, integers as BigInt. */
export const query = (path: string, sql: string): unknown[][] => {
  const db = new DatabaseSync(path);
  try {
    return db.prepare(sql, { returnArrays: true, readBigInts: true }).all() as unknown as unknown[][];
  } finally {
    db.close();
  }
};

/** Everything a database holds, exact to the bit, so that two can be compared by assert.deepEqual. */
export const contentsOf = (path: string): Record<string, unknown> => {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false, defensive: false });
  try {
    const settings = [
      'page_size',
      'encoding',
      'auto_vacuum',
      'user_version',
      'application_id',
      'journal_mode',
    ];
    const schema = arrays(db, 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name');
    const tables = schema.filter(([type, , , sql]) => type === 'table' && !isVirtual(String(sql)));
    return {
      settings: settings.map((name) => [name, ...arrays(db, `PRAGMA ${name}`).flat()]),
      schema: schema.map((row) => row.join(' | ')),
      rows: Object.fromEntries(tables.map(([, name]) => [name, rowsOf(db, String(name))])),
    };
  } finally {
    db.close();
  }
};

const isVirtual = (sql: string): boolean => sql.startsWith('CREATE VIRTUAL TABLE');

const arrays = (db: DatabaseSync, sql: string): unknown[][] =>
  db.prepare(sql, { returnArrays: true, readBigInts: true }).all() as unknown as unknown[][];

/** Each value by type and bytes; with the rowid, where one can be seen. */
const rowsOf = (db: DatabaseSync, table: string): string[] => {
  const quoted = `"${table.replaceAll('"', '""')}"`;
  const columns = arrays(db, `SELECT name FROM pragma_table_xinfo('${table.replaceAll("'", "''")}')`).flat();
  const values = columns.map((column) => {
    const name = `"${String(column).replaceAll('"', '""')}"`;
    return `typeof(${name}), CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END`;
  });
  const rowid = hasRowid(db, quoted) ? ['rowid'] : [];
  return arrays(db, `SELECT ${[...rowid, ...values].join(', ')} FROM ${quoted} NOT INDEXED`).map((row) =>
    row.map(shown).join(', '),
  );
};

const hasRowid = (db: DatabaseSync, quoted: string): boolean => {
  try {
    db.prepare(`SELECT rowid FROM ${quoted}`);
    return true;
  } catch {
    return false;
  }
};

const shown = (value: unknown): string => {
  if (typeof value === 'number')
    return `real ${Buffer.from(new Float64Array([value]).buffer).toString('hex')}`;
  if (!(value instanceof Uint8Array)) return String(value);
  return value.length <= 40
    ? Buffer.from(value).toString('hex')
    : `${value.length} bytes ${createHash('sha256').update(value).digest('hex').slice(0, 16)}`;
};

/** All entries of a database's dump. */
export const dump = async (path: string): Promise<CapturedEntry[]> => {
  await using source = await openSqlite(path);
  return await capture(source);
};

/** Restores entries into the file; nobody waits long for its locks. */
export const restore = async (
  path: string,
  entries: readonly CapturedEntry[],
  into: Partial<RestoreTarget> = {},
  config = {},
): Promise<RestoreReport> => {
  await using target = await openSqlite(path, config, { clock: jumpingClock() });
  return await target.restore(replay(entries), { ...intoEmpty, ...into });
};

/** Databases in this folder, each with a name of its own. */
export const databasesIn = (
  folder: string,
): { readonly newPath: () => string; readonly database: (sql: string) => string } => {
  let made = 0;
  const newPath = (): string => join(folder, `${made++}.db`);
  return {
    newPath,
    database: (sql) => {
      const path = newPath();
      execute(path, sql);
      return path;
    },
  };
};

/** What a user gets who asks for some tables: their rows, and all that is no table's. */
export const only = (entries: readonly CapturedEntry[], ...tables: readonly string[]): CapturedEntry[] =>
  entries.filter(
    ({ path }) => !path.startsWith('data/') || tables.some((table) => path.startsWith(`data/${table}/`)),
  );

/** Fails unless the work ends with this error. */
export const refused = async (work: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> =>
  await assert.rejects(work, (error) => {
    assert.match((error as Error).message, message);
    return hasCode(error, code);
  });

/** A database with one of everything that a dump must bring back. */
export const everythingSql = `
PRAGMA page_size=8192; PRAGMA auto_vacuum=2; PRAGMA journal_mode=WAL;
CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL COLLATE NOCASE, "e mail" TEXT UNIQUE);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer REFERENCES customers(id), total REAL CHECK(total >= 0), note TEXT DEFAULT "none",
  gross AS (total * 1.19), label TEXT GENERATED ALWAYS AS ('#' || id) STORED);
CREATE TABLE prices(sku TEXT, day TEXT, price ANY, PRIMARY KEY(sku, day)) WITHOUT ROWID, STRICT;
CREATE TABLE no_key(a, b);
CREATE TABLE shadowed(rowid TEXT, a);
CREATE TABLE all_shadowed(rowid, oid, _rowid_);
CREATE TABLE "order ""by"" /.. %"("select" TEXT, "it's" BLOB, [a[b] INT);
CREATE TABLE empty(a);
CREATE TABLE "5"(a);
CREATE TABLE exact(kind TEXT, value);
CREATE TABLE odd_key(id INTEGER PRIMARY KEY DESC, a);
INSERT INTO customers(id, name, "e mail") VALUES(7, 'Ada', 'ada@example.org'), (90, 'Bob''s', NULL), (91, 'Zoë 美咲 🐙', 'z');
DELETE FROM customers WHERE id = 91;
INSERT INTO orders(id, customer, total, note) VALUES(1, 7, 9.99, 'two
lines'), (2, 90, 0.1, 'it''s \\n marked
'), (-5, NULL, 1e300, 'a' || char(13) || 'b');
INSERT INTO prices VALUES('b', '1', 1), ('a', '2', 'text'), ('a', '1', -0.0), ('c', '', x'00ff');
INSERT INTO no_key(rowid, a, b) VALUES(3, 'x', 1), (9223372036854775807, 'y', 2), (-9223372036854775808, NULL, NULL);
INSERT INTO shadowed(_rowid_, rowid, a) VALUES(44, 'r', 1), (2, 's', 2);
INSERT INTO all_shadowed VALUES(1, 2, 3), ('x', 'y', 'z');
INSERT INTO "order ""by"" /.. %" VALUES('select', x'27', 1), ('''', '"', -1);
INSERT INTO "5" VALUES(5);
INSERT INTO odd_key VALUES(3, 'c'), (1, 'a');
INSERT INTO exact VALUES
  ('largest', 9223372036854775807), ('smallest', -9223372036854775808), ('beyond 2^53', 9007199254740993), ('infinity', 9e999),
  ('-infinity', -9e999), ('negative zero', -0.0), ('tiny', 4.9406564584124654e-324), ('third', 1.0/3), ('large', 1.7976931348623157e308),
  ('whole', 5.0), ('null', NULL), ('empty text', ''), ('empty blob', x''), ('quotes', ''''''), ('nul', 'a' || char(0) || 'b'),
  ('not utf-8', CAST(x'41ff42' AS TEXT)), ('cut utf-8', CAST(x'e282' AS TEXT)), ('replacement', char(65533)), ('newlines', char(10, 10, 13, 10)),
  ('mark', 'a\\n' || char(10) || '\\n0' || char(10)), ('sql', ');' || char(10) || 'DROP TABLE exact;'), ('blob', randomblob(300)),
  ('number as text', CAST('12' AS TEXT)), ('zeroes', zeroblob(100000)), ('long', replace(hex(zeroblob(90000)), '0', 'it''s ' || char(10)));
CREATE VIRTUAL TABLE docs USING fts5(title, body);
INSERT INTO docs(rowid, title, body) VALUES(1, 'kelp', 'holds fast to rock'), (20, 'limpet', 'also holds');
CREATE VIRTUAL TABLE outside USING fts5(name, content='customers', content_rowid='id');
INSERT INTO outside(rowid, name) SELECT id, name FROM customers;
CREATE VIRTUAL TABLE contentless USING fts5(a, content='');
INSERT INTO contentless(rowid, a) VALUES(5, 'only the index');
CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1);
INSERT INTO boxes VALUES(1, 0, 1, 0, 1), (2, 5, 6, 5, 6);
CREATE VIRTUAL TABLE old_docs USING fts4(a);
INSERT INTO old_docs VALUES('four');
CREATE TABLE docs_other(a);
INSERT INTO docs_other VALUES('an ordinary table');
CREATE INDEX orders_by_customer ON orders(customer, total DESC) WHERE total > 0;
CREATE UNIQUE INDEX by_label ON orders(lower(label));
CREATE VIEW big_orders(id, total) AS SELECT id, total FROM orders WHERE total > 5 -- a comment at the end
;
CREATE VIEW broken AS SELECT * FROM no_such_table;
CREATE TRIGGER on_order AFTER INSERT ON orders WHEN new.total > 100 BEGIN
  -- a comment; with a semicolon
  INSERT INTO docs_other VALUES('large; order');
  UPDATE customers SET name = name WHERE id = new.customer;
END;
CREATE TRIGGER into_view INSTEAD OF INSERT ON big_orders BEGIN INSERT INTO orders(id, total) VALUES(new.id, new.total); END;
CREATE TRIGGER keep_docs AFTER INSERT ON customers BEGIN INSERT INTO outside(rowid, name) VALUES(new.id, new.name); END;
ANALYZE;
PRAGMA user_version=42; PRAGMA application_id=305419896;
`;
