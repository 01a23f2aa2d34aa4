// A server, or some of its databases, as entries.
import { byBytes } from '#lib/byte-order.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { textEntry } from '../own-entries.ts';
import type { Entry } from '../source.ts';
import { assertDatabasesFound, chooseDatabases } from '../wanted-databases.ts';
import { databasesSql, versionSql } from './catalogue.ts';
import type { ConnectionSettings, SqlServerConfig } from './config.ts';
import { connect } from './connect.ts';
import { type DatabaseDump, dumpDatabase, openDatabase } from './dump-database.ts';
import { databasePath, serverFile } from './layout.ts';
import { dumpNative } from './native.ts';

export interface DumpRequest {
  readonly config: SqlServerConfig;
  readonly settings: ConnectionSettings;
  readonly context: Context;
  /** See DumpOptions; the server's own backups are each of the moment at which it ends. */
  readonly allAtOnce?: boolean;
  /** Closes what is still open when the dump is given up. */
  onClose(close: () => Promise<void>): void;
}

/** What a dump is made with. */
export interface Dump extends DumpRequest {
  readonly version: string;
}

export async function* dumpServer(request: DumpRequest): AsyncGenerator<Entry> {
  throwIfCancelled(request.context.signal);
  const { config, context, allAtOnce } = request;
  const { version, databases, closed } = await surveyOf(request);
  const dump: Dump = { ...request, version };
  const opened = new Map<string, DatabaseDump>();
  if (allAtOnce && config.native)
    context.log.warn('each database is as of the end of its own backup, which the server makes');
  else if (allAtOnce)
    await forEachLimit(databases, openedAtOnce, async (database) => {
      opened.set(database, await openDatabase(dump, database));
    });
  const contents = { server: 1, engine: 'sqlserver', version, databases };
  yield textEntry(serverFile, `${JSON.stringify(contents, undefined, 2)}\n`);
  for (const database of [...databases, ...closed.keys()].toSorted(byPath)) {
    const failed = closed.get(database);
    if (failed) yield { path: databasePath(database), type: 'dir', meta: {}, failed, item: database };
    else
      yield* config.native
        ? dumpNative(dump, config.native, database)
        : dumpDatabase(opened.get(database) ?? (await openDatabase(dump, database)));
  }
}

/** Each takes a connection, and looks into its catalogue. */
const openedAtOnce = 8;

export interface Survey {
  readonly version: string;
  readonly databases: readonly string[];
  /** Those that are wanted and cannot be read now, with the reason. */
  readonly closed: ReadonlyMap<string, HoldfastError>;
}

/** What there is to back up. */
export const surveyOf = async ({
  config,
  settings,
  context,
}: Omit<DumpRequest, 'onClose'>): Promise<Survey> => {
  await using connection = await connect(settings, settings.database, context.signal);
  const [row] = await connection.query<{ version: string | null; banner: string }>(versionSql);
  const version = row?.version ?? row?.banner.split('\n')[0] ?? 'unknown';
  const isNamed = settings.database !== undefined && config.databases === undefined;
  const found = isNamed ? [] : await connection.query<FoundDatabase>(databasesSql);
  const present = found.map(({ name }) => name);
  const chosen = chooseDatabases(config, settings.database, present, 'any');
  const absent = chosen.filter((name) => !isNamed && !present.includes(name));
  const hint = present.length > 0 ? `it has ${present.join(', ')}` : 'it has no database that may be seen';
  assertDatabasesFound(config, settings.server, { chosen, absent, hint });
  const closed = new Map(
    found
      .filter(({ name }) => chosen.includes(name))
      .flatMap((database) => {
        const error = whyClosed(database, settings.user);
        return error ? [[database.name, error] as const] : [];
      }),
  );
  const [first] = closed.values();
  if (first && closed.size === chosen.length)
    throw new HoldfastError('SOURCE_DENIED', first.message, { hint: first.hint });
  return { version, databases: chosen.filter((name) => !closed.has(name)).toSorted(byPath), closed };
};

interface FoundDatabase {
  readonly name: string;
  /** 0 when it is online. */
  readonly state: number;
  readonly condition: string;
  /** 0 when the login may not enter it; null when the server does not say. */
  readonly access: number | null;
}

const whyClosed = (
  { name, state, condition, access }: FoundDatabase,
  user: string,
): HoldfastError | undefined => {
  if (Number(state) !== 0)
    return new HoldfastError(
      'ITEM_UNREADABLE',
      `database ${name} is ${condition.toLowerCase().replaceAll('_', ' ')}`,
      { hint: 'bring it online, or leave it out with `excludeDatabases`' },
    );
  if (access === null || Number(access) !== 0) return undefined;
  return new HoldfastError('ITEM_UNREADABLE', `${user} may not enter database ${name}`, {
    hint: `make it a user there (docs/sources/sqlserver.md, «Rights»), or leave the database out with \`excludeDatabases\``,
  });
};

const byPath = (a: string, b: string): number => byBytes(databasePath(a), databasePath(b));
