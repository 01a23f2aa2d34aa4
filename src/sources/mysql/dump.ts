// A server, or some of its databases, as entries. All databases are in one state.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { createLifetime, type Lifetime } from '../lifetime.ts';
import { textEntry } from '../own-entries.ts';
import type { Entry } from '../source.ts';
import { type Connection, connect } from './connect.ts';
import { dumpDatabase } from './dump-database.ts';
import { serverFile, usersFile } from './layout.ts';
import { hasRowsOfItsOwn, listNames, listRelations, transactionalEngines } from './listing.ts';
import { wantedOf } from './patterns.ts';
import { type Rights, readRights } from './rights.ts';
import type { ServerContents } from './server-contents.ts';
import { isDenied, ServerError } from './server-error.ts';
import { type ServerState, takeState } from './state.ts';
import { type SourceRequest, surveyOf } from './survey.ts';
import { usersScript } from './users.ts';

export interface DumpRequest extends SourceRequest {
  /** True where nobody else writes, so that it does not matter when a table is read. */
  readonly untouched?: boolean;
  /** Whether the history of a system-versioned table is wanted; of all, unless told. */
  wantsHistory?(database: string, table: string): boolean;
  /** Closes what is still open when the dump is given up. */
  onClose(close: () => Promise<void>): void;
}

/** What all databases of a dump share. */
export interface Dump extends SourceRequest, Required<Pick<DumpRequest, 'untouched' | 'wantsHistory'>> {
  /** Asks for definitions; it sees the server as it is now. */
  readonly leader: Connection;
  readonly state: ServerState;
  readonly rights: Rights;
  readonly transactional: ReadonlySet<string>;
  readonly lifetime: Lifetime;
  /** Of the tables there were just before the state was taken, by database. */
  readonly namesBefore: ReadonlyMap<string, readonly string[]>;
  /** Called when the dump is over, or given up. */
  onEnd(end: () => void): void;
}

export async function* dumpServer(request: DumpRequest): AsyncGenerator<Entry> {
  const { context, settings } = request;
  throwIfCancelled(context.signal);
  const leader = await connect(settings, context.signal);
  const endings: (() => unknown)[] = [() => leader[Symbol.asyncDispose]()];
  const lifetime = createLifetime(async () => {
    await Promise.all(endings.map((end) => end()));
  });
  request.onClose(lifetime.end);
  let complete = false;
  try {
    const databases = await surveyOf(request, leader);
    const namesBefore = new Map<string, readonly string[]>();
    for (const database of databases) namesBefore.set(database, await listNames(leader, database));
    const state = await beginState(request, leader, databases);
    endings.push(() => state[Symbol.asyncDispose]());
    const rights = await readRights(leader);
    const transactional = await transactionalEngines(leader);
    const { config, untouched = false, wantsHistory = () => true } = request;
    const dump: Dump = {
      config,
      untouched,
      wantsHistory,
      settings,
      context,
      leader,
      state,
      rights,
      transactional,
      lifetime,
      namesBefore,
      onEnd: (end) => void endings.push(end),
    };
    yield textEntry(serverFile, serverText(leader, databases));
    if (config.users) yield textEntry(usersFile, await usersScript(leader, settings.user, context.log));
    for (const database of databases) yield* dumpDatabase(dump, database);
    complete = true;
  } catch (error) {
    throw sourceError(error, settings.server);
  } finally {
    await (complete ? lifetime.seal() : lifetime.end());
  }
}

const serverText = ({ version }: Connection, databases: readonly string[]): Buffer => {
  const contents: ServerContents = {
    server: 1,
    engine: version.engine,
    version: version.text,
    databases: [...databases],
  };
  return Buffer.from(`${JSON.stringify(contents, undefined, 2)}\n`);
};

const beginState = async (
  { config, settings, context }: SourceRequest,
  leader: Connection,
  databases: readonly string[],
): Promise<ServerState> => {
  const lock: [string, string][] = [];
  if (config.lockNonTransactional) {
    const transactional = await transactionalEngines(leader);
    for (const database of databases)
      for (const relation of await listRelations(leader, database))
        if (
          hasRowsOfItsOwn(relation) &&
          !transactional.has(relation.engine ?? '') &&
          wantedOf(config, database, relation.name) === 'all'
        )
          lock.push([database, relation.name]);
  }
  const { connections, lockTimeoutSeconds: timeoutSeconds } = config;
  const { clock, signal, log } = context;
  return await takeState(leader, { settings, connections, timeoutSeconds, clock, signal, log, lock });
};

/** What the server refuses of the whole backup. */
const sourceError = (error: unknown, server: string): unknown => {
  if (!(error instanceof ServerError)) return error;
  return new HoldfastError(
    isDenied(error) ? 'SOURCE_DENIED' : 'SOURCE_UNREACHABLE',
    `the server at ${server} refuses: ${error.message}`,
    {
      hint: isDenied(error) ? 'docs/sources/mysql.md lists the rights that a backup needs' : undefined,
      cause: error,
    },
  );
};
