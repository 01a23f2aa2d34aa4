// Databases for a trial: made by a restore under names of their own, read back, queried, and dropped.
import type { Describing, SelfDescription } from '#lib/self-description.ts';
import { assertNoneTaken, copyOf, scratchNamesOf, underOwnNames } from '../scratch-databases.ts';
import type { Entry, Finding, QueryRows, ScratchMaker, ScratchPlace, ScratchRequest } from '../source.ts';
import type { PostgresConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { dropDatabase } from './drop-database.ts';
import { type DumpRequest, dumpServer } from './dump.ts';
import { quoteIdentifier } from './identifiers.ts';
import { databasePath } from './layout.ts';
import { serverFacts } from './listing.ts';
import { findPgDump } from './pg-dump.ts';
import { restoreServer } from './restore.ts';
import { capturedColumns } from './scratch-columns.ts';
import { definitionsIn } from './scratch-definitions.ts';
import { capturedOwners } from './scratch-large-objects.ts';
import { saysNothing, sqlState, state } from './server-error.ts';
import type { ConnectionSettings } from './settings.ts';
import { connectForAdmin } from './target-server.ts';

/** What a source on this server can do for a trial. */
export const scratchMaker = (request: DumpRequest): ScratchMaker & Describing => ({
  describeSelf: () => describeServer(request),
  scratchLocation: () => request.settings.server,
  checkScratch: () => checkRights(request),
  openScratch: (scratch) => openPlace(request, scratch),
  removeScratch: (name) => removeAll(request, name),
});

const openPlace = async (
  request: DumpRequest,
  { name, databases }: ScratchRequest,
): Promise<ScratchPlace> => {
  const { settings, config } = request;
  const scratchNames = scratchNamesOf(name, databases);
  await assertFree(request, name);
  const owners = capturedOwners(scratchNames);
  const columns = capturedColumns(scratchNames);
  return {
    concurrency: config.connections,
    restore: (entries, onProgress) =>
      restoreServer({ ...request, roleComment: name }, columns.watch(owners.watch(entries)), {
        force: false,
        rename: [...scratchNames],
        // Named one by one, so that the server's own roles and tablespaces are left alone.
        selection: databases.map(databasePath),
        onProgress,
      }),
    dump: () => dumpScratch({ ...request, recast: owners.recast, inOrder: columns.inOrder }, scratchNames),
    definitionsIn,
    query: (text, database) =>
      runQuery(settings, copyOf(scratchNames, database), text, request.context.signal),
    saysNothing,
    [Symbol.asyncDispose]: async () => {},
  };
};

const describeServer = async ({ settings, config, context }: DumpRequest): Promise<SelfDescription> => {
  await using connection = await connectForAdmin(settings, context.signal);
  const { version, major } = await serverFacts(connection);
  const [row] = await connection.query<{ now: Date }>('select pg_catalog.clock_timestamp() as now');
  // That it is missing stops a backup only, and is found by what is checked before one.
  const pgDump = await findPgDump(major, config.pgDump).catch(() => undefined);
  return {
    software: [`PostgreSQL ${version}`, ...(pgDump ? [`pg_dump ${pgDump.major} (${pgDump.path})`] : [])],
    ...(row && { time: row.now }),
  };
};

const checkRights = async ({ settings, context }: DumpRequest): Promise<Finding[]> => {
  await using admin = await connectForAdmin(settings, context.signal);
  const [role] = await admin.query<{ may: boolean }>(
    'select rolsuper or rolcreatedb as may from pg_catalog.pg_roles where rolname = current_user',
  );
  if (role?.may) return [];
  return [
    {
      level: 'error',
      subject: `role ${settings.user}`,
      message: `may not create databases on ${settings.server}, as a drill must`,
      hint: `alter role ${quoteIdentifier(settings.user)} createdb; or drill into a source on another server`,
    },
  ];
};

const assertFree = async ({ settings, context }: DumpRequest, name: string): Promise<void> => {
  await using admin = await connectForAdmin(settings, context.signal);
  assertNoneTaken(await databasesNamed(admin, name), settings.server);
};

/** All there is in the scratch databases, whatever the source's own configuration chooses. */
const dumpScratch = (
  request: DumpRequest,
  scratchNames: ReadonlyMap<string, string>,
): AsyncIterable<Entry> => {
  const { tables: _, largeObjects: __, ...plain } = request.config;
  const config: PostgresConfig = {
    ...plain,
    databases: [...scratchNames.values()],
    excludeDatabases: [],
    exclude: [],
    excludeData: [],
  };
  return underOwnNames(dumpServer({ ...request, config }), scratchNames, databasePath);
};

const runQuery = async (
  settings: ConnectionSettings,
  database: string,
  text: string,
  signal: AbortSignal,
): Promise<QueryRows> => {
  await using connection = await connect(settings, database, signal);
  await connection.query('reset all'); // as the database's own users see it: search_path, DateStyle
  return (await connection.queryValues(text)).map((row) => row.map(asText));
};

const asText = (value: unknown): string | null => {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const databasesNamed = async (admin: Connection, name: string): Promise<string[]> => {
  const rows = await admin.query<{ name: string }>(
    `select datname::text as name from pg_catalog.pg_database
      where datname = $1 or starts_with(datname::text, $2) order by datname`,
    [name, `${name}_`],
  );
  return rows.map((row) => row.name);
};

const removeAll = async ({ settings, context }: DumpRequest, name: string): Promise<void> => {
  await using admin = await connectForAdmin(settings, context.signal);
  for (const database of await databasesNamed(admin, name)) await dropDatabase(admin, settings, database);
  await dropRoles(admin, name);
};

/** Those that the restore made because they were missing. One that somebody has come to use since then stays. */
const dropRoles = async (admin: Connection, name: string): Promise<void> => {
  const rows = await admin.query<{ role: string }>(
    `select rolname::text as role from pg_catalog.pg_roles where shobj_description(oid, 'pg_authid') = $1`,
    [name],
  );
  for (const { role } of rows)
    try {
      await admin.query(`drop role ${quoteIdentifier(role)}`);
    } catch (error) {
      if (sqlState(error) !== state.dependentObjects) throw error;
    }
};
