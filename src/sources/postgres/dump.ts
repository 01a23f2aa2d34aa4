// A server, or some of its databases, as entries.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { chooseDatabases } from '../patterns.ts';
import type { Entry } from '../source.ts';
import { assertDatabasesFound } from '../wanted-databases.ts';
import type { PostgresConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { dumpDatabase } from './dump-database.ts';
import { nameProblem } from './item-error.ts';
import { databasePath, globalsFile, serverFile } from './layout.ts';
import { listDatabases, type ServerFacts, serverFacts } from './listing.ts';
import { findPgDump } from './pg-dump.ts';
import { dumpGlobals, type Programs } from './program-entries.ts';
import type { ServerContents } from './server-contents.ts';
import type { ConnectionSettings } from './settings.ts';

/** What a dump is made with. */
export interface Dump extends Programs {
  readonly facts: ServerFacts;
  /** Closes what is still open when the dump is given up. */
  onClose(close: () => Promise<void>): void;
}

export interface DumpRequest {
  readonly config: PostgresConfig;
  readonly settings: ConnectionSettings;
  readonly context: Context;
  onClose(close: () => Promise<void>): void;
}

export async function* dumpServer(request: DumpRequest): AsyncGenerator<Entry> {
  const { config, context } = request;
  throwIfCancelled(context.signal);
  const { facts, databases, connectedTo } = await surveyOf(request);
  assertOneCanBeNamed(databases);
  const dump: Dump = { ...request, facts, pgDump: await findPgDump(facts.major, config.pgDump) };
  const contents: ServerContents = {
    server: 1,
    engine: 'postgres',
    version: facts.version,
    databases: [...databases],
  };
  yield textEntry(serverFile, `${JSON.stringify(contents, undefined, 2)}\n`);
  yield {
    path: globalsFile,
    type: 'file',
    meta: { mode: 0o600 },
    content: () => dumpGlobals(dump, connectedTo, facts.superuser),
  };
  for (const database of databases) {
    const failed = nameProblem(database);
    if (failed) yield { path: databasePath(database), type: 'dir', meta: {}, failed, item: database };
    else yield* dumpDatabase(dump, database);
  }
}

/** Of several, one that cannot be named is an item that failed; when there is nothing else, it is the backup. */
const assertOneCanBeNamed = (databases: readonly string[]): void => {
  const problems = databases.flatMap((name) => nameProblem(name) ?? []);
  const [first] = problems;
  if (first && problems.length === databases.length)
    throw new HoldfastError('UNSUPPORTED', first.message, { hint: first.hint });
};

const textEntry = (path: string, text: string): Entry => ({
  path,
  type: 'file',
  meta: { mode: 0o600, size: Buffer.byteLength(text) },
  content: () => [Buffer.from(text)],
});

export interface Survey {
  readonly facts: ServerFacts;
  readonly databases: readonly string[];
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
  const present = await listDatabases(connection);
  const chosen = chooseDatabases(config, settings.database, present);
  const absent = chosen.filter((name) => !present.includes(name) && name !== connection.database);
  // A server that has none is a backup of its roles.
  assertDatabasesFound(config, settings.server, { chosen, absent, hint: `it has ${present.join(', ')}` });
  return { facts, databases: chosen.toSorted(byPath), connectedTo: connection.database };
};

const byPath = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(databasePath(a)), Buffer.from(databasePath(b)));

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
