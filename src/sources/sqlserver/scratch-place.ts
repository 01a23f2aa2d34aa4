// Databases for a trial: made by a restore under names of their own, read back, queried, and dropped.
import type { Describing } from '#lib/self-description.ts';
import { assertNoneTaken, copyOf, isOfScratch, scratchNamesOf, underOwnNames } from '../scratch-databases.ts';
import type { Entry, ReadDefinitions, ScratchMaker, ScratchPlace, ScratchRequest } from '../source.ts';
import { versionSql } from './catalogue.ts';
import type { SqlServerConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { type DumpRequest, dumpServer } from './dump.ts';
import { databaseFiles, databasePath } from './layout.ts';
import { parseContents } from './model.ts';
import { restoreServer } from './restore.ts';
import { databaseStatements } from './script.ts';
import { saysNothing } from './server-error.ts';
import { postDataStatements, preDataStatements } from './statements.ts';
import { connectForAdmin, dropDatabase } from './target-server.ts';

/** What a source on this server can do for a trial. */
export const scratchMaker = (request: DumpRequest): ScratchMaker & Describing => ({
  async describeSelf() {
    const { settings, context } = request;
    await using connection = await connect(settings, settings.database, context.signal);
    const [row] = await connection.query<{ banner: string }>(versionSql);
    const [clock] = await connection.query<{ now: Date }>('select sysutcdatetime() as now');
    return {
      software: [row?.banner.split('\n')[0] ?? 'SQL Server'],
      ...(clock?.now instanceof Date && { time: clock.now }),
    };
  },
  scratchLocation: () => request.settings.server,
  async checkScratch() {
    const { settings, context } = request;
    await using admin = await connectForAdmin(settings, context.signal);
    const [row] = await admin.query<{ may: number | null }>(
      "select cast(has_perms_by_name(null, null, 'CREATE ANY DATABASE') as int) as may",
    );
    if (row?.may !== 0) return [];
    return [
      {
        level: 'error',
        subject: `login ${settings.user}`,
        message: `may not create databases on ${settings.server}, as a drill must`,
        hint: 'add it to the server role dbcreator; or drill into a source on another server',
      },
    ];
  },
  openScratch: (scratch) => openPlace(request, scratch),
  removeScratch: (name) => removeAll(request, name),
});

const openPlace = async (
  request: DumpRequest,
  { name, databases }: ScratchRequest,
): Promise<ScratchPlace> => {
  const { settings, context } = request;
  const names = scratchNamesOf(name, databases);
  assertNoneTaken(await withAdmin(request, (admin) => databasesNamed(admin, name)), settings.server);
  return {
    concurrency: 1,
    restore: (entries, onProgress) =>
      restoreServer(request, entries, {
        force: false,
        rename: [...names],
        selection: databases.map(databasePath),
        onProgress,
      }),
    dump: () => dumpScratch(request, names),
    definitionsIn,
    async query(text, database) {
      await using connection = await connect(settings, copyOf(names, database), context.signal);
      return (await connection.queryValues(text)).map((row) => row.map(asText));
    },
    saysNothing,
    [Symbol.asyncDispose]: async () => {},
  };
};

const asText = (value: unknown): string | null => {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  return value instanceof Uint8Array
    ? `0x${Buffer.from(value).toString('hex').toUpperCase()}`
    : String(value);
};

/** All there is in the scratch databases, whatever the source's own configuration chooses. */
const dumpScratch = (request: DumpRequest, names: ReadonlyMap<string, string>): AsyncIterable<Entry> => {
  const { tables: _, native: __, ...plain } = request.config;
  const config: SqlServerConfig = {
    ...plain,
    // Nobody else writes there.
    isolation: 'auto',
    databases: [...names.values()],
    excludeDatabases: [],
    exclude: [],
    excludeData: [],
  };
  return underOwnNames(dumpServer({ ...request, config }), names, databasePath);
};

const definitionsIn = (path: string): ReadDefinitions | undefined =>
  path.endsWith(`/${databaseFiles.contents}`) ? definitionsOf : undefined;

/** Users and permissions are left out: a restore tells of those that it could not set. */
const definitionsOf: ReadDefinitions = (text) => {
  const contents = parseContents(text);
  const [database] = databaseStatements(contents, 'database');
  const statements = [...preDataStatements(contents), ...postDataStatements(contents)];
  return new Map([
    ['the database itself', database?.batches.join('\n') ?? ''],
    ...statements
      .filter(({ isDecoration }) => !isDecoration)
      .map(({ what, batches }) => [what, batches.join('\n')] as const),
  ]);
};

const removeAll = (request: DumpRequest, name: string): Promise<void> =>
  withAdmin(request, async (admin) => {
    for (const database of await databasesNamed(admin, name)) await dropDatabase(admin, database);
  });

const withAdmin = async <Result>(
  { settings, context }: DumpRequest,
  work: (admin: Connection) => Promise<Result>,
): Promise<Result> => {
  await using admin = await connectForAdmin(settings, context.signal);
  return await work(admin);
};

/** Compared here, since to LIKE an underscore is any character. */
const databasesNamed = async (admin: Connection, name: string): Promise<string[]> => {
  const rows = await admin.query<{ name: string }>('select name from sys.databases');
  return rows.map((row) => row.name).filter((each) => isOfScratch(name, each));
};
