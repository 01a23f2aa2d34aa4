// MongoDB's commands as calls of the engine's functions.
import { BSON, type Document } from 'mongodb';
import type pg from 'pg';

/** A command, understood. */
export interface Command {
  readonly name: string;
  readonly database: string;
  /** Raw BSON, as the engine takes it. */
  readonly body: Buffer;
  readonly sequence: Buffer | undefined;
  /** The same as `body`, to look at. */
  readonly fields: Document;
}

/** A reply: a document, or its bytes. */
export type Reply = Document | Buffer;

/** Who runs statements: a connection, or whichever is free. */
export type Runner = Pick<pg.ClientBase, 'query'>;

type Handler = (runner: Runner, command: Command) => Promise<Reply>;

const bson = 'documentdb_core.bson';

/** The statement's one column, which is called reply: a document, unless it is of another type. */
export const one = async <Reply = Buffer>(
  runner: Runner,
  sql: string,
  ...values: readonly unknown[]
): Promise<Reply> => {
  const { rows } = await runner.query<{ reply: Reply }>(sql, [...values]);
  const [row] = rows;
  if (!row) throw new Error('the engine answered nothing');
  return row.reply;
};

/** Of the form function(database, command). */
const ofDatabase =
  (call: string): Handler =>
  async (runner, { database, body }) =>
    await one(
      runner,
      `select documentdb_api.${call}($1, $2::bytea::${bson})::bytea as reply`,
      database,
      body,
    );

const ofServer =
  (call: string): Handler =>
  async (runner, { body }) =>
    await one(runner, `select documentdb_api.${call}($1::bytea::${bson})::bytea as reply`, body);

const writing =
  (call: string): Handler =>
  async (runner, { database, body, sequence }) =>
    mapWriteErrors(
      await one(
        runner,
        `select p_result::bytea as reply from documentdb_api.${call}($1, $2::bytea::${bson}, $3::bytea::documentdb_core.bsonsequence, null)`,
        database,
        body,
        sequence ?? null,
      ),
    );

const collectionNamed =
  <Result>(sql: string, reply: (result: Result) => Reply): Handler =>
  async (runner, { name, database, fields }) =>
    reply(await one<Result>(runner, sql, database, fields[name]));

export const handlers: Readonly<Record<string, Handler>> = {
  insert: writing('insert'),
  update: writing('update'),
  delete: writing('delete'),
  findAndModify: async (runner, { database, body }) =>
    await one(
      runner,
      `select p_result::bytea as reply from documentdb_api.find_and_modify($1, $2::bytea::${bson}, null)`,
      database,
      body,
    ),
  count: ofDatabase('count_query'),
  distinct: ofDatabase('distinct_query'),
  create: ofDatabase('create_collection_view'),
  validate: ofDatabase('validate'),
  listDatabases: ofServer('list_databases'),
  createUser: ofServer('create_user'),
  dropUser: ofServer('drop_user'),
  usersInfo: ofServer('users_info'),
  rolesInfo: ofServer('roles_info'),
  createIndexes: async (runner, { database, body }) =>
    await one(
      runner,
      `select documentdb_api_internal.create_indexes_non_concurrently($1, $2::bytea::${bson}, true)::bytea as reply`,
      database,
      body,
    ),
  dropIndexes: async (runner, { database, body }) => {
    const sql = `call documentdb_api.drop_indexes($1, $2::bytea::${bson}, null)`;
    const { rows } = await runner.query<{ retval: string }>(sql, [database, body]);
    return Buffer.from(rows[0]?.retval.replace(/^BSONHEX/, '') ?? '', 'hex'); // a procedure's result cannot be cast
  },
  drop: collectionNamed('select documentdb_api.drop_collection($1, $2) as reply', (dropped: boolean) =>
    dropped ? { ok: 1 } : { ok: 0, code: 26, codeName: 'NamespaceNotFound', errmsg: 'ns not found' },
  ),
  dropDatabase: async (runner, { database }) => {
    await runner.query('select documentdb_api.drop_database($1)', [database]);
    return { dropped: database, ok: 1 };
  },
  renameCollection: async (runner, { fields }) => {
    const [database = '', ...from] = String(fields.renameCollection).split('.');
    const to = String(fields.to).slice(database.length + 1);
    const values = [database, from.join('.'), to, Boolean(fields.dropTarget)];
    await runner.query('select documentdb_api.rename_collection($1, $2, $3, $4)', values);
    return { ok: 1 };
  },
  collMod: async (runner, { database, body, fields }) =>
    await one(
      runner,
      `select documentdb_api.coll_mod($1, $3, $2::bytea::${bson})::bytea as reply`,
      database,
      body,
      fields.collMod,
    ),
  collStats: collectionNamed(
    'select documentdb_api.coll_stats($1, $2)::bytea as reply',
    (stats: Buffer) => stats,
  ),
};

/** Commands that answer with a cursor, by the engine's function. */
export const cursorFunctions: Readonly<Record<string, string>> = {
  find: 'find_cursor_first_page',
  aggregate: 'aggregate_cursor_first_page',
  listCollections: 'list_collections_cursor_first_page',
  listIndexes: 'list_indexes_cursor_first_page',
};

export interface Page {
  readonly page: Buffer;
  /** Where the next page begins; undefined after the last. */
  readonly continuation: Buffer | undefined;
  readonly cursorId: string;
  /** The next page must be read on the same connection. */
  readonly staysOpen: boolean;
}

/** The engine finds what a view shows before it locks it: where another took its place between, it is read again, as MongoDB does. */
export const firstPage = async (runner: Runner, command: Command): Promise<Page> => {
  for (let left = 20; ; left--)
    try {
      return await tryFirstPage(runner, command);
    } catch (error) {
      if (left === 0 || !/^could not open relation with OID/.test(String((error as Error).message)))
        throw error;
    }
};

const tryFirstPage = async (runner: Runner, { name, database, body }: Command): Promise<Page> => {
  const sql = `select cursorpage::bytea as page, continuation::bytea, persistconnection as stays, cursorid::text as id
    from documentdb_api.${cursorFunctions[name]}($1, $2::bytea::${bson}, 0)`;
  interface Row {
    readonly page: Buffer;
    readonly continuation: Buffer | null;
    readonly stays: boolean;
    readonly id: string;
  }
  const { rows } = await runner.query<Row>(sql, [database, body]);
  const [row] = rows;
  if (!row) throw new Error('the engine answered nothing');
  const isLast = row.id === '0' || row.continuation === null;
  return {
    page: row.page,
    continuation: isLast ? undefined : (row.continuation ?? undefined),
    cursorId: row.id,
    staysOpen: row.stays && !isLast,
  };
};

export const nextPage = async (
  runner: Runner,
  { database, body }: Command,
  continuation: Buffer,
): Promise<Pick<Page, 'page' | 'continuation'>> => {
  const sql = `select cursorpage::bytea as page, continuation::bytea from documentdb_api.cursor_get_more($1, $2::bytea::${bson}, $3::bytea::${bson})`;
  const { rows } = await runner.query<{ page: Buffer; continuation: Buffer | null }>(sql, [
    database,
    body,
    continuation,
  ]);
  return { page: rows[0]?.page ?? Buffer.alloc(0), continuation: rows[0]?.continuation ?? undefined };
};

/** The reply to an error: the engine keeps MongoDB's codes in SQLSTATEs that begin with M. */
export const errorReply = (error: unknown): Document => {
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  if (code === '42501') return { ok: 0, code: 13, codeName: 'Unauthorized', errmsg: message };
  return { ok: 0, code: mongoCode(code), codeName: code, errmsg: message };
};

/** 'M00' and two characters of 6 bits each, offset by '0'; the ones that matter here have other numbers in MongoDB. */
const mongoCode = (state: string): number => {
  const known: Readonly<Record<string, number>> = {
    M001C: 11_000,
    M0008: 26,
    M0001: 2,
    M000U: 115,
    M0012: 197,
  };
  return known[state] ?? 1;
};

/** The engine packs a SQLSTATE into the codes of write errors; duplicate keys must be told as MongoDB does. */
const mapWriteErrors = (reply: Buffer): Reply => {
  const parsed = BSON.deserialize(reply);
  if (!Array.isArray(parsed.writeErrors)) return reply;
  for (const failure of parsed.writeErrors)
    if (/duplicate key|unique/i.test(failure.errmsg)) failure.code = 11_000;
  return parsed;
};
