// What would stop or spoil a backup, asked before one is made.
import { attempt } from '../findings.ts';
import type { Finding } from '../source.ts';
import type { PostgresConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { connectAnywhere, type DumpRequest, surveyOf } from './dump.ts';
import { hiddenParts } from './hidden-parts.ts';
import { plainName } from './identifiers.ts';
import { unreadableLargeObjectsSql } from './large-objects.ts';
import { listSequences, listTables, orReadAll, type ServerFacts, type Table } from './listing.ts';
import { fitsTable, wantedOf } from './patterns.ts';
import { findPgDump } from './pg-dump.ts';

type CheckRequest = Omit<DumpRequest, 'onClose'>;

/** Looks at the server and at each database that a backup would read; reads no rows. */
export const checkServer = async (request: CheckRequest): Promise<Finding[]> => {
  const { config, settings, context } = request;
  return await attempt(`server ${settings.server}`, async () => {
    const { facts, databases, closed } = await surveyOf(request);
    const findings = await serverFindings(request, facts);
    findings.push(...(await attempt('pg_dump', () => findPgDump(facts.major, config.pgDump).then(() => []))));
    const tables: (readonly [database: string, table: Table])[] = [];
    for (const database of databases)
      findings.push(
        ...(await attempt(`database ${database}`, async () => {
          const problem = closed.get(database);
          if (problem) throw problem;
          await using connection = await connect(settings, database, context.signal);
          const present = await listTables(connection);
          tables.push(...present.map((table) => [database, table] as const));
          return await databaseFindings(connection, config, facts, present);
        })),
      );
    return [...findings, ...patternFindings(config, tables)];
  });
};

const serverFindings = async (
  { settings, context }: CheckRequest,
  facts: ServerFacts,
): Promise<Finding[]> => {
  const findings: Finding[] = [];
  if (!facts.superuser)
    findings.push({
      level: 'warning',
      subject: 'roles',
      message: `${settings.user} is no superuser, so the roles' passwords are not in the backup`,
      hint: 'set them anew after a restore of the whole server',
    });
  if (facts.standby) {
    await using connection = await connectAnywhere(settings, context.signal);
    const [row] = await connection.query<{ feedback: string; delay: string }>(
      `select current_setting('hot_standby_feedback') as feedback, current_setting('max_standby_streaming_delay') as delay`,
    );
    if (row?.feedback === 'off' && row.delay !== '-1')
      findings.push({
        level: 'warning',
        subject: 'standby',
        message: `replication may end what the backup reads after ${row.delay}`,
        hint: 'set hot_standby_feedback = on there, or raise max_standby_streaming_delay',
      });
  }
  return findings;
};

/** More of one kind are counted, not named. */
const namedAtMost = 20;

const databaseFindings = async (
  connection: Connection,
  config: PostgresConfig,
  facts: ServerFacts,
  present: readonly Table[],
): Promise<Finding[]> => {
  const { database } = connection;
  const tables = present.filter((table) => wantedOf(config, database, table) !== 'nothing');
  const withRows = tables.filter(
    (table) => table.kind === 'table' && wantedOf(config, database, table) === 'all',
  );
  const hiding = new Set(
    (
      await connection.query<{ oid: number }>(
        'select oid::int8::float8 as oid from pg_catalog.pg_class where relrowsecurity and pg_catalog.row_security_active(oid)',
      )
    ).map(({ oid }) => oid),
  );
  const unlogged = facts.standby ? withRows.filter((table) => table.unlogged) : [];
  const groups: readonly (readonly [names: readonly string[], message: string, hint: string])[] = [
    [
      tables
        .filter(({ kind, readable }) => kind !== 'foreign' && !readable)
        .map((table) => `table ${plainName(table)}`),
      'may not be read',
      `grant select on it and usage on its schema${orReadAll(facts.major)}`,
    ],
    [
      withRows.filter(({ oid }) => hiding.has(oid)).map((table) => `table ${plainName(table)}`),
      'has a policy that would hide rows',
      'alter the role with bypassrls, or back up as the owner',
    ],
    [
      (await listSequences(connection))
        .filter(({ readable }) => !readable)
        .map((name) => `sequence ${plainName(name)}`),
      'may not be read',
      `grant select on it${orReadAll(facts.major)}`,
    ],
    [
      unlogged.map((table) => `table ${plainName(table)}`),
      'is unlogged, and a standby has no rows of it',
      'say `unlogged: false`, or back up the primary',
    ],
    [
      await unreadableLargeObjects(connection, config, facts),
      'may not be read',
      'grant select on each, set lo_compat_privileges for the role, or say `largeObjects: false`',
    ],
  ];
  const hidden = await hiddenParts(connection, facts);
  return [
    ...groups.flatMap(([names, message, hint]) => grouped(database, names, message, hint)),
    ...hidden.map((part) => ({
      level: 'warning' as const,
      subject: `database ${database}`,
      message: `only a superuser may read ${part}: not in the backup`,
      hint: 'note them elsewhere, or back up as a superuser',
    })),
  ];
};

const grouped = (database: string, names: readonly string[], message: string, hint: string): Finding[] => {
  const more = names.length - namedAtMost;
  const subjects = names.slice(0, namedAtMost).map((name) => `${name} in ${database}`);
  return [...subjects, ...(more > 0 ? [`${more} more in ${database}`] : [])].map((subject) => ({
    level: 'error',
    subject,
    message,
    hint,
  }));
};

const unreadableLargeObjects = async (
  connection: Connection,
  { largeObjects, tables }: PostgresConfig,
  facts: ServerFacts,
): Promise<string[]> => {
  const sql = unreadableLargeObjectsSql(facts);
  if (sql === undefined || !(largeObjects ?? tables === undefined)) return [];
  const [row] = await connection.query<{ count: number }>(sql);
  return row && row.count > 0 ? [`${row.count} large objects`] : [];
};

const patternFindings = (
  { tables = [], exclude, excludeData }: PostgresConfig,
  present: readonly (readonly [database: string, table: Table])[],
): Finding[] =>
  [...tables, ...exclude, ...excludeData]
    .filter((pattern) => !present.some(([database, table]) => fitsTable(pattern, database, table)))
    .map((pattern) => ({
      level: 'warning',
      subject: `pattern ${pattern}`,
      message: 'no table fits it',
      hint: 'check the name; patterns are schema.table, and case matters',
    }));
