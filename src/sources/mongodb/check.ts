// What would stop or spoil a backup, asked before one is made.
import type { Context } from '#lib/kind.ts';
import { attempt, findingOf } from '../findings.ts';
import type { Finding } from '../source.ts';
import { describeDatabase, hiddenDatabases, namesOfDatabases } from './choice.ts';
import type { MongodbConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { inconsistencyOf } from './consistency.ts';
import { type Collection, sizeOf } from './listing.ts';
import { takeMoment } from './moment.ts';
import { fitsCollection } from './patterns.ts';
import { code, serverCode } from './server-error.ts';

/** Looks at the server and at each collection that a backup would read; reads no more than one document of each. */
export const checkServer = (config: MongodbConfig, context: Context): Promise<Finding[]> =>
  attempt(`server ${config.url.hosts}`, async () => {
    await using connection = await connect(config, context.signal);
    return await findingsOf(connection, config, context);
  });

const findingsOf = async (
  connection: Connection,
  config: MongodbConfig,
  context: Context,
): Promise<Finding[]> => {
  const names = await namesOfDatabases(connection, config);
  const moment = await takeMoment(connection, config, names, () => context.clock.now());
  const findings: Finding[] = [];
  if (moment.consistency === 'none' && config.consistency !== 'none')
    findings.push({
      level: 'warning',
      subject: 'consistency',
      message: inconsistencyOf(connection.facts),
      hint: 'make it a replica set, one member is enough; or stop writing while it is backed up',
    });
  const hidden = await hiddenDatabases(connection, config);
  if (hidden) findings.push({ level: 'warning', subject: 'databases', ...hidden });
  let bytes = 0;
  const all: Collection[] = [];
  for (const [database, collections] of moment.collections) {
    all.push(...collections);
    const { failures } = await describeDatabase(connection, config, database, collections);
    for (const { collection, error } of failures)
      findings.push(findingOf(`collection ${database}.${collection}`, error));
    for (const collection of collections) {
      const finding = await readFinding(connection, collection);
      if (finding) findings.push(finding);
      else if (moment.consistency === 'snapshot') bytes += await knownBytes(connection, collection);
    }
  }
  findings.push(...patternFindings(config, all), ...(await windowFindings(connection, bytes)));
  return findings;
};

const readFinding = async (
  connection: Connection,
  { database, name, data }: Collection,
): Promise<Finding | undefined> => {
  if (data === undefined) return undefined;
  try {
    await connection.list(database, { find: data, limit: 1, projection: { _id: 1 } });
    return undefined;
  } catch (error) {
    if (serverCode(error) !== code.unauthorized) throw error;
    return {
      level: 'error',
      subject: `collection ${database}.${name}`,
      message: `${connection.user ?? 'the user'} may not read it`,
      hint: 'grant the role backup, or read on its database',
    };
  }
};

const knownBytes = async (connection: Connection, collection: Collection): Promise<number> => {
  if (collection.data === undefined) return 0;
  return await sizeOf(connection, collection).then(
    ({ bytes }) => bytes,
    () => 0, // only an estimate is made of it
  );
};

const patternFindings = (
  { collections = [], exclude, excludeData }: MongodbConfig,
  present: readonly Collection[],
): Finding[] =>
  [...collections, ...exclude, ...excludeData]
    .filter((pattern) => !present.some(({ database, name }) => fitsCollection(pattern, database, name)))
    .map((pattern) => ({
      level: 'warning',
      subject: `pattern ${pattern}`,
      message: 'no collection fits it',
      hint: 'check the name; patterns are collection or database.collection, and case matters',
    }));

/** A backup reads at least so much in a second, wherever it goes. */
const slowestBytesPerSecond = 20 * 1024 * 1024;

/** The server keeps old states for so long only. Who may not ask is not told. */
const windowFindings = async (connection: Connection, bytes: number): Promise<Finding[]> => {
  const neededSeconds = Math.ceil(bytes / slowestBytesPerSecond);
  if (neededSeconds === 0) return [];
  const parameter = 'minSnapshotHistoryWindowInSeconds';
  const reply = await connection
    .command('admin', { getParameter: 1, [parameter]: 1 })
    .catch((error: unknown) => {
      if (serverCode(error) === undefined) throw error;
      return { [parameter]: Number.POSITIVE_INFINITY };
    });
  const seconds = Number(reply[parameter]);
  if (seconds >= neededSeconds) return [];
  return [
    {
      level: 'warning',
      subject: parameter,
      message: `the server keeps old states for ${seconds} s, and reading ${Math.round(bytes / 1e9)} GB may take ${neededSeconds} s`,
      hint: `set ${parameter} to ${neededSeconds} on every member, or say \`consistency: oplog\``,
    },
  ];
};
