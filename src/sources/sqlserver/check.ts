// What would stop or spoil a backup, asked before one is made.
import { access, constants } from 'node:fs/promises';
import { attempt, findingOf } from '../findings.ts';
import type { Finding } from '../source.ts';
import { askCatalogue } from './answers.ts';
import { assemble, qualified } from './assemble.ts';
import { connect } from './connect.ts';
import { type DumpRequest, surveyOf } from './dump.ts';
import { plainName, type QualifiedName } from './identifiers.ts';
import { fitsTable, wantedOf } from './patterns.ts';
import { allowSnapshotHint, isolationOf } from './reading.ts';
import { storedColumns } from './table-sql.ts';
import { codecOf } from './value-codec.ts';

type CheckRequest = Omit<DumpRequest, 'onClose'>;

/** Looks at the server and at each database that a backup would read; reads no rows. */
export const checkServer = async (request: CheckRequest): Promise<Finding[]> => {
  const { config, settings } = request;
  const { native } = config;
  return await attempt(`server ${settings.server}`, async () => {
    const { databases, closed } = await surveyOf(request);
    const findings = [...closed].map(([database, error]) => findingOf(`database ${database}`, error));
    if (native)
      findings.push(
        ...(await attempt('native', () =>
          access(native.localFolder, constants.R_OK | constants.W_OK).then(() => []),
        )),
      );
    const tables: (readonly [database: string, table: QualifiedName])[] = [];
    for (const database of databases)
      findings.push(
        ...(await attempt(`database ${database}`, () =>
          native ? nativeFindings(request, database) : databaseFindings(request, database, tables),
        )),
      );
    return native ? findings : [...findings, ...patternFindings(request, tables)];
  });
};

const mayBackUp = "select cast(has_perms_by_name(db_name(), 'DATABASE', 'BACKUP DATABASE') as int) as may";
const mayView = "select cast(has_perms_by_name(db_name(), 'DATABASE', 'VIEW DEFINITION') as int) as may";
const mayRead = `select s.name as [schema], t.name, cast(has_perms_by_name(quotename(s.name) + '.' + quotename(t.name), 'OBJECT', 'SELECT') as int) as may
  from sys.tables t join sys.schemas s on s.schema_id = t.schema_id where t.is_ms_shipped = 0`;

const nativeFindings = async ({ settings, context }: CheckRequest, database: string): Promise<Finding[]> => {
  await using connection = await connect(settings, database, context.signal);
  const [row] = await connection.query<{ may: number | null }>(mayBackUp);
  if (row?.may !== 0) return [];
  return [
    {
      level: 'error',
      subject: `database ${database}`,
      message: `${settings.user} may not back it up`,
      hint: `add ${settings.user} to db_backupoperator`,
    },
  ];
};

const databaseFindings = async (
  { config, settings, context }: CheckRequest,
  database: string,
  tables: (readonly [database: string, table: QualifiedName])[],
): Promise<Finding[]> => {
  await using connection = await connect(settings, database, context.signal);
  const answers = await askCatalogue(connection);
  const wanted = (table: QualifiedName) => wantedOf(config, database, table);
  const { contents, failures } = assemble(answers, { version: '', wanted });
  tables.push(...answers.rows.tables.map((row) => [database, qualified(row)] as const));
  const findings = failures.map(({ what, error }) => findingOf(`${what} in ${database}`, error));
  const warn = (subject: string, message: string, hint?: string): void =>
    void findings.push({ level: 'warning', subject, message, ...(hint !== undefined && { hint }) });
  const [view] = await connection.query<{ may: number | null }>(mayView);
  if (view?.may === 0)
    warn(
      `database ${database}`,
      `${settings.user} may not see all definitions`,
      `grant view definition to ${settings.user} there`,
    );
  const isolation = isolationOf(config, contents);
  if (isolation.startsWith('read committed'))
    warn(`database ${database}`, 'tables are not read as of one moment', allowSnapshotHint(database));
  for (const { name, schema } of (
    await connection.query<QualifiedName & { may: number | null }>(mayRead)
  ).filter(({ may }) => may === 0))
    if (wanted({ name, schema }) === 'all')
      findings.push({
        level: 'error',
        subject: `table ${schema}.${name} in ${database}`,
        message: 'may not be read',
        hint: `grant select on it to ${settings.user}, or add ${settings.user} to db_datareader`,
      });
  for (const table of contents.tables.filter(({ rows }) => rows))
    for (const column of storedColumns(table))
      try {
        codecOf(column);
      } catch (error) {
        findings.push(findingOf(`table ${plainName(table)} in ${database}`, error));
      }
  for (const about of answers.absent) warn(`database ${database}`, `the server has no catalogue of ${about}`);
  for (const { what, reason } of contents.notKept) warn(`${what} in ${database}`, `not kept: ${reason}`);
  return findings;
};

const patternFindings = (
  { config: { tables = [], exclude, excludeData } }: CheckRequest,
  present: readonly (readonly [database: string, table: QualifiedName])[],
): Finding[] =>
  [...tables, ...exclude, ...excludeData]
    .filter((pattern) => !present.some(([database, table]) => fitsTable(pattern, database, table)))
    .map((pattern) => ({
      level: 'warning',
      subject: `pattern ${pattern}`,
      message: 'no table fits it',
      hint: 'check the name; patterns are schema.table',
    }));
