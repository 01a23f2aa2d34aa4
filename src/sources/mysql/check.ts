// What would stop or spoil a backup, asked before one is made.
import { attempt } from '../findings.ts';
import type { Finding } from '../source.ts';
import { type Connection, connect } from './connect.ts';
import { historyLoss } from './history.ts';
import { plainName } from './identifiers.ts';
import {
  hasRowsOfItsOwn,
  listColumns,
  listRelations,
  type Relation,
  transactionalEngines,
} from './listing.ts';
import { fitsTable, wantedOf } from './patterns.ts';
import { missingRights, type Rights, readRights } from './rights.ts';
import { type SourceRequest, surveyOf } from './survey.ts';

/** Looks at the server and at each database that a backup would read; reads no rows. */
export const checkServer = (request: SourceRequest): Promise<Finding[]> =>
  attempt(`server ${request.settings.server}`, async () => {
    await using connection = await connect(request.settings, request.context.signal);
    return await findingsOf(request, connection);
  });

const findingsOf = async (request: SourceRequest, connection: Connection): Promise<Finding[]> => {
  const { config } = request;
  const databases = await surveyOf(request, connection);
  const rights = await readRights(connection);
  const findings = stateFindings(request, rights);
  const tables: (readonly [database: string, table: string])[] = [];
  for (const database of databases) {
    for (const { hidden, grant } of await missingRights(connection, rights, config, database))
      findings.push({
        level: 'error',
        subject: `${hidden} of ${database}`,
        message: `${request.settings.user} may not see them`,
        hint: `${grant} to ${request.settings.user}`,
      });
    const relations = await listRelations(connection, database);
    tables.push(...relations.map(({ name }) => [database, name] as const));
    findings.push(...(await historyFindings(request, connection, database, relations)));
    if (!config.lockNonTransactional) findings.push(...(await apartFindings(request, connection, database)));
  }
  for (const pattern of [...(config.tables ?? []), ...config.exclude, ...config.excludeData])
    if (!tables.some(([database, table]) => fitsTable(pattern, database, table)))
      findings.push({
        level: 'warning',
        subject: `pattern ${pattern}`,
        message: 'no table fits it',
        hint: 'check the name; patterns are table or database.table, and case matters',
      });
  return findings;
};

const historyFindings = async (
  { config }: SourceRequest,
  connection: Connection,
  database: string,
  relations: readonly Relation[],
): Promise<Finding[]> => {
  const versioned = relations.filter(
    (each) => each.versioned && wantedOf(config, database, each.name) === 'all',
  );
  if (versioned.length === 0) return [];
  const transactional = await transactionalEngines(connection);
  const columns = await listColumns(connection, database);
  const still = config.lockNonTransactional;
  return versioned.flatMap(({ name, engine }) => {
    const own = columns.get(name) ?? [];
    const loss = historyLoss({ engine: engine ?? '', columns: own, still, transactional });
    if (!loss) return [];
    const message = `the current rows are kept, not their history: ${loss.why}`;
    return [{ level: 'warning', subject: `table ${plainName(database, name)}`, message, hint: loss.hint }];
  });
};

const stateFindings = ({ config, settings }: SourceRequest, rights: Rights): Finding[] => {
  const findings: Finding[] = [];
  if (!rights.may('RELOAD') && config.connections > 1)
    findings.push({
      level: 'warning',
      subject: 'right RELOAD',
      message: `without it the ${config.connections} connections can often not begin together, and one reads alone`,
      hint: `grant reload on *.* to ${settings.user}`,
    });
  if (config.lockNonTransactional && !rights.may('LOCK TABLES'))
    findings.push({
      level: 'warning',
      subject: 'right LOCK TABLES',
      message: 'lockNonTransactional needs it on every database that has such tables',
      hint: `grant lock tables on *.* to ${settings.user}`,
    });
  return findings;
};

const apartFindings = async (
  { config }: SourceRequest,
  connection: Connection,
  database: string,
): Promise<Finding[]> => {
  const transactional = await transactionalEngines(connection);
  const relations = await listRelations(connection, database);
  return relations
    .filter(
      (relation) =>
        hasRowsOfItsOwn(relation) &&
        !transactional.has(relation.engine ?? '') &&
        wantedOf(config, database, relation.name) === 'all',
    )
    .map(({ name, engine }) => ({
      level: 'warning',
      subject: `table ${plainName(database, name)}`,
      message: `${engine} has no transactions: its rows are read at a moment of their own`,
      hint: 'convert it to InnoDB, or say `lockNonTransactional: true`',
    }));
};
