// A server, or some of its databases, as entries.
import { byBytes } from '#lib/byte-order.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { textEntry } from '../own-entries.ts';
import type { Entry } from '../source.ts';
import { assertDatabasesFound, chooseDatabases } from '../wanted-databases.ts';
import type { PostgresConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { dumpDatabase, type OpenDatabase, openDatabase } from './dump-database.ts';
import { databaseError, databaseProblem } from './item-error.ts';
import { databasePath, globalsFile, serverFile } from './layout.ts';
import { listDatabases, type ServerFacts, serverFacts, type Table } from './listing.ts';
import { findPgDump } from './pg-dump.ts';
import { dumpGlobals, type Programs } from './program-entries.ts';
import type { ServerContents } from './server-contents.ts';
import type { ConnectionSettings } from './settings.ts';

/** What a dump is made with. */
export interface Dump extends Programs, Pick<DumpRequest, 'recast' | 'inOrder'> {
  /** Whether there are other databases, for which it matters little that one alone cannot be read. */
  readonly several: boolean;
  /** Closes what is still open when the dump is given up. */
  onClose(close: () => Promise<void>): void;
}

export interface DumpRequest {
  readonly config: PostgresConfig;
  readonly settings: ConnectionSettings;
  readonly context: Context;
  /** Of a copy that is compared: what the definitions of its large objects are taken to be, before they are counted. */
  readonly recast?: (database: string, rows: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
  /** Of such a copy, too: the table with its columns in the order in which they are compared. */
  readonly inOrder?: (database: string, table: Table) => Table;
  /** See DumpOptions. */
  readonly allAtOnce?: boolean;
  onClose(close: () => Promise<void>): void;
}

export async function* dumpServer(request: DumpRequest): AsyncGenerator<Entry> {
  const { config, context } = request;
  throwIfCancelled(context.signal);
  const { facts, databases, closed, connectedTo } = await surveyOf(request);
  assertOneIsOpen(databases, closed);
  const pgDump = await findPgDump(facts.major, config.pgDump);
  const dump: Dump = { ...request, facts, pgDump, several: databases.length > 1 };
  const contents: ServerContents = {
    server: 1,
    engine: 'postgres',
    version: facts.version,
    databases: [...databases],
  };
  const opened: Openings = request.allAtOnce ? await openAll(dump, databases, closed) : closed;
  yield textEntry(serverFile, `${JSON.stringify(contents, undefined, 2)}\n`);
  yield {
    path: globalsFile,
    type: 'file',
    meta: { mode: 0o600 },
    content: () => dumpGlobals(dump, connectedTo, facts.superuser),
  };
  const failures: HoldfastError[] = [];
  for (const database of databases) {
    const one = opened.get(database) ?? (await openOrFail(dump, database));
    if (!(one instanceof HoldfastError)) yield* dumpDatabase(one);
    else if (failures.push(one) < databases.length) yield failedDatabase(database, one);
    else throw ofTheSource(failures[0] ?? one);
  }
}

/** By database: open, or why it cannot be. */
type Openings = ReadonlyMap<string, OpenDatabase | HoldfastError>;

/** So many databases are opened at once: each takes a connection, and looks into its catalogue. */
const openedAtOnce = 8;

const openAll = async (
  dump: Dump,
  databases: readonly string[],
  closed: ReadonlyMap<string, HoldfastError>,
): Promise<Openings> => {
  const opened = new Map<string, OpenDatabase | HoldfastError>(closed);
  const others = databases.filter((database) => !closed.has(database));
  await forEachLimit(others, openedAtOnce, async (database) => {
    opened.set(database, await openOrFail(dump, database));
  });
  return opened;
};

/** The database, or why it alone cannot be opened. */
const openOrFail = async (dump: Dump, database: string): Promise<OpenDatabase | HoldfastError> => {
  try {
    return await openDatabase(dump, database);
  } catch (error) {
    const failed = databaseError(error, database);
    if (failed) return failed;
    throw error;
  }
};

/** When no database can be read, it is the source that fails. */
const ofTheSource = ({ cause, message, hint }: HoldfastError): HoldfastError =>
  cause instanceof HoldfastError ? cause : new HoldfastError('SOURCE_DENIED', message, { hint, cause });

const failedDatabase = (database: string, failed: HoldfastError): Entry => ({
  path: databasePath(database),
  type: 'dir',
  meta: {},
  failed,
  item: database,
});

/** Of several, one that is closed is an item that failed; when there is nothing else, it is the backup. */
const assertOneIsOpen = (databases: readonly string[], closed: ReadonlyMap<string, HoldfastError>): void => {
  const [first] = closed.values();
  if (first && closed.size === databases.length)
    throw new HoldfastError('UNSUPPORTED', first.message, { hint: first.hint });
};

export interface Survey {
  readonly facts: ServerFacts;
  readonly databases: readonly string[];
  /** Those of them that cannot be read, as the server's list of them shows. */
  readonly closed: ReadonlyMap<string, HoldfastError>;
  readonly connectedTo: string;
}

/** What there is to back up. */
export const surveyOf = async ({
  config,
  settings,
  context,
}: Omit<DumpRequest, 'onClose'>): Promise<Survey> => {
  await using connection = await connectAnywhere(settings, context.signal);
  const facts = await serverFacts(connection);
  if (facts.major < 12)
    throw new HoldfastError(
      'UNSUPPORTED',
      `PostgreSQL ${facts.version} at ${settings.server} is older than 12`,
      {
        hint: 'back it up with its own pg_dump, or upgrade the server',
      },
    );
  const found = await listDatabases(connection);
  const present = found.map(({ name }) => name);
  const chosen = chooseDatabases(config, settings.database, present);
  const absent = chosen.filter((name) => !present.includes(name) && name !== connection.database);
  // A server that has none is a backup of its roles.
  assertDatabasesFound(config, settings.server, { chosen, absent, hint: `it has ${present.join(', ')}` });
  const closed = new Map<string, HoldfastError>();
  for (const each of found.filter(({ name }) => chosen.includes(name))) {
    const problem = databaseProblem(each);
    if (problem) closed.set(each.name, problem);
  }
  return { facts, databases: chosen.toSorted(byPath), closed, connectedTo: connection.database };
};

const byPath = (a: string, b: string): number => byBytes(databasePath(a), databasePath(b));

/** The database that was named, or else one that every server has. */
export const connectAnywhere = async (
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<Connection> => {
  if (settings.database !== undefined) return await connect(settings, settings.database, signal);
  try {
    return await connect(settings, 'postgres', signal);
  } catch (error) {
    if (!isNoDatabase(error)) throw error;
    return await connect(settings, 'template1', signal);
  }
};

const isNoDatabase = (error: unknown): boolean =>
  error instanceof HoldfastError &&
  error.cause instanceof Error &&
  'code' in error.cause &&
  error.cause.code === '3D000';
