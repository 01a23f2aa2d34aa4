// A server, or some of its databases, as entries.
import { byBytes } from '#lib/byte-order.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { dateToNanos } from '#lib/file-times.ts';
import type { Context } from '#lib/kind.ts';
import type { Entry, Previous } from '../source.ts';
import type { CouchConfig } from './config.ts';
import { wantedDatabases } from './databases.ts';
import { dumpDatabase } from './dump-database.ts';
import type { CouchClient } from './http.ts';
import { databasePath, serverFile } from './layout.ts';
import { fileMeta } from './load-partition.ts';
import { databaseInfo, listDatabases, type ServerFacts, serverFacts } from './server.ts';
import type { ServerContents } from './server-contents.ts';

export interface CouchRequestContext {
  readonly config: CouchConfig;
  readonly context: Context;
  readonly client: CouchClient;
}

/** What a dump is made with. */
export interface Dump extends CouchRequestContext {
  readonly facts: ServerFacts;
  /**
   * Nanoseconds since the epoch: the time of every file that this run makes. By it the same file of two repositories is known
   * to have been made by the same run, or not.
   */
  readonly startedAt: bigint;
}

export async function* dumpServer(request: CouchRequestContext, previous?: Previous): AsyncGenerator<Entry> {
  const { context } = request;
  throwIfCancelled(context.signal);
  const { facts, databases } = await surveyOf(request);
  const dump: Dump = { ...request, facts, startedAt: dateToNanos(context.clock.now()) };
  const contents: ServerContents = { server: 1, engine: 'couchdb', ...facts, databases: [...databases] };
  yield textEntry(dump, serverFile, `${JSON.stringify(contents, undefined, 2)}\n`);
  const failures: Error[] = [];
  for (const database of databases) {
    const failure = yield* dumpDatabase(dump, database, previous);
    if (failure) failures.push(failure);
  }
  const [first] = failures;
  if (first && failures.length === databases.length) throw first;
}

/** A small file. */
export const textEntry = (dump: Dump, path: string, text: string | Buffer): Entry => {
  const bytes = Buffer.from(text);
  return { path, type: 'file', meta: fileMeta(dump, bytes.length), content: () => [bytes] };
};

export interface Survey {
  readonly facts: ServerFacts;
  readonly databases: readonly string[];
}

/** What there is to back up. SOURCE_UNREACHABLE when a database that was named is not there. */
export const surveyOf = async ({ config, client }: CouchRequestContext): Promise<Survey> => {
  const facts = await serverFacts(client);
  const { named, fits } = wantedDatabases(config);
  const found = fits ? (await listDatabases(client)).filter(fits) : [];
  const databases = [...new Set([...named, ...found])];
  const absent: string[] = [];
  for (const name of named) if (!(await isThere(client, facts, name))) absent.push(name);
  if (absent.length > 0)
    throw new HoldfastError(
      'SOURCE_UNREACHABLE',
      `CouchDB at ${client.server} has no database ${absent.join(', ')}`,
      {
        hint: 'check the name; in a URL, a / in it stands as %2F',
      },
    );
  // A server that has none is a backup of none; where some were asked for there must be one.
  const { databases: patterns = 'all', url } = config;
  if (databases.length === 0 && (patterns !== 'all' || url.database !== undefined))
    throw new HoldfastError(
      'SOURCE_UNREACHABLE',
      `no database of CouchDB at ${client.server} fits the configuration`,
      {
        hint: 'create one, or check `databases` and `excludeDatabases`',
      },
    );
  return { facts, databases: databases.toSorted(byPath) };
};

/** One that may not be read is there: which right is missing is told when it is read. */
const isThere = async (client: CouchClient, facts: ServerFacts, database: string): Promise<boolean> => {
  try {
    return (await databaseInfo(client, facts, database)) !== undefined;
  } catch (error) {
    if (hasCode(error, 'SOURCE_DENIED')) return true;
    throw error;
  }
};

const byPath = (a: string, b: string): number => byBytes(databasePath(a), databasePath(b));
