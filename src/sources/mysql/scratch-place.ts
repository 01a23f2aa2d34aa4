// Databases for a trial: made by a restore under names of their own, read back, queried, and dropped.
import type { Describing } from '#lib/self-description.ts';
import { assertNoneTaken, copyOf, isOfScratch, scratchNamesOf, underOwnNames } from '../scratch-databases.ts';
import type { Entry, Finding, QueryRows, ScratchMaker, ScratchPlace, ScratchRequest } from '../source.ts';
import type { MysqlConfig } from './config.ts';
import { connect } from './connect.ts';
import { type DumpRequest, dumpServer } from './dump.ts';
import { quoteIdentifier } from './identifiers.ts';
import { databasePath } from './layout.ts';
import { listDatabases } from './listing.ts';
import { restoreServer } from './restore.ts';
import { readRights } from './rights.ts';
import { definitionsFor } from './scratch-definitions.ts';
import { type KeptHistory, noticingHistory } from './scratch-history.ts';
import { saysNothing } from './server-error.ts';
import { leftOut, withoutEvents } from './without-events.ts';

/** What a source on this server can do for a trial. */
export const scratchMaker = (request: DumpRequest): ScratchMaker & Describing => ({
  async describeSelf() {
    await using connection = await connect(
      { ...request.settings, database: undefined },
      request.context.signal,
    );
    const [row] = await connection.query<{ now: string }>('select unix_timestamp(now(6)) as now');
    return {
      software: [connection.version.text],
      ...(row && { time: new Date(Number(row.now) * 1000) }),
    };
  },
  scratchLocation: () => request.settings.server,
  checkScratch: () => checkRights(request),
  openScratch: (scratch) => openPlace(request, scratch),
  removeScratch: (name) => removeAll(request, name),
});

const checkRights = async ({ settings, context }: DumpRequest): Promise<Finding[]> => {
  await using connection = await connect({ ...settings, database: undefined }, context.signal);
  const rights = await readRights(connection);
  const missing = ['CREATE', 'DROP', 'INSERT'].filter((right) => !rights.may(right, 'holdfast_drill_any'));
  if (missing.length === 0) return [];
  return [
    {
      level: 'error',
      subject: `user ${settings.user}`,
      message: `may not ${missing.join(', ').toLowerCase()} databases on ${settings.server}, as a drill must`,
      hint: `grant all on \`holdfast\\_drill\\_%\`.* to ${settings.user}; or drill into a source on another server`,
    },
  ];
};

const openPlace = async (
  request: DumpRequest,
  { name, databases }: ScratchRequest,
): Promise<ScratchPlace> => {
  const names = scratchNamesOf(name, databases);
  assertNoneTaken(await databasesNamed(request, name), request.settings.server);
  const kept: KeptHistory = new Map();
  return {
    concurrency: request.config.connections,
    restore: async (entries, onProgress) => {
      const events: string[] = [];
      const report = await restoreServer(
        request,
        noticingHistory(withoutEvents(entries, events), names, kept),
        {
          force: false,
          rename: [...names],
          // Named one by one, so that the server's own users are left alone.
          selection: databases.map(databasePath),
          onProgress,
        },
      );
      return { ...report, warnings: [...report.warnings, ...events.map(leftOut)] };
    },
    dump: () => dumpScratch(request, names, kept),
    definitionsIn: (path) => definitionsFor(path, names),
    query: (text, database) => runQuery(request, copyOf(names, database), text),
    saysNothing,
    [Symbol.asyncDispose]: async () => {},
  };
};

/** All there is in the scratch databases, whatever the source's own configuration chooses. */
const dumpScratch = (
  request: DumpRequest,
  names: ReadonlyMap<string, string>,
  kept: KeptHistory,
): AsyncIterable<Entry> => {
  const { tables: _, ...plain } = request.config;
  const config: MysqlConfig = {
    ...plain,
    ...{ databases: [...names.values()], excludeDatabases: [], exclude: [], excludeData: [], users: false },
  };
  const wantsHistory = (database: string, table: string): boolean => kept.get(database)?.has(table) ?? false;
  return underOwnNames(
    dumpServer({ ...request, config, untouched: true, wantsHistory }),
    names,
    databasePath,
  );
};

const runQuery = async (
  { settings, context }: DumpRequest,
  database: string,
  text: string,
): Promise<QueryRows> => {
  await using connection = await connect({ ...settings, database }, context.signal);
  await connection.run('set character_set_results = utf8mb4'); // to be read, whatever their columns store
  return await connection.queryValues(text);
};

const databasesNamed = async ({ settings, context }: DumpRequest, name: string): Promise<string[]> => {
  await using connection = await connect({ ...settings, database: undefined }, context.signal);
  return (await listDatabases(connection)).filter((database) => isOfScratch(name, database));
};

const removeAll = async (request: DumpRequest, name: string): Promise<void> => {
  const databases = await databasesNamed(request, name);
  await using connection = await connect(
    { ...request.settings, database: undefined },
    request.context.signal,
  );
  for (const database of databases)
    await connection.run(`drop database if exists ${quoteIdentifier(database)}`);
};
