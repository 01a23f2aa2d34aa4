// The moment that a backup shows: a point in time that all collections are read at, or the oplog from then on.

import { HoldfastError, messageOf } from '#lib/errors.ts';
import { type Timestamp, timestampText } from './bson.ts';
import { listWanted } from './choice.ts';
import type { MongodbConfig } from './config.ts';
import type { Connection } from './connect.ts';
import { type Consistency, consistencyFor, inconsistencyOf } from './consistency.ts';
import type { Collection } from './listing.ts';
import { oplogStart } from './oplog.ts';
import { code, serverCode } from './server-error.ts';

export interface Moment {
  readonly consistency: Consistency;
  /** All that is wanted and was there at that moment, by database. */
  readonly collections: ReadonlyMap<string, readonly Collection[]>;
  /** For `find`, to read as of that moment. */
  readonly readConcern: { readonly level: 'snapshot'; readonly atClusterTime: Timestamp } | undefined;
  /** Where the oplog begins that makes it consistent. */
  readonly oplogFrom: string | undefined;
  readonly takenAt: Date;
  /** For the manifests. */
  readonly position: Readonly<Record<string, string>>;
}

/** So often at most are collections listed anew because they came or went just then. */
const listings = 10;

export const takeMoment = async (
  connection: Connection,
  config: MongodbConfig,
  databases: readonly string[],
  now: () => Date,
): Promise<Moment> => {
  const consistency = consistencyFor(config.consistency, connection.facts);
  const takenAt = now();
  if (consistency === 'oplog') {
    const oplogFrom = await oplogStart(connection);
    const collections = await listWanted(connection, config, databases);
    const position = { consistency, oplogFrom };
    return { consistency, collections, readConcern: undefined, oplogFrom, takenAt, position };
  }
  let collections = await listWanted(connection, config, databases);
  for (let attempt = 1; consistency === 'snapshot'; attempt += 1) {
    const time = await clusterTime(connection, config, collections);
    if (!time) break;
    const after = await listWanted(connection, config, databases);
    const isSettled = identities(after) === identities(collections) || attempt === listings;
    collections = after;
    if (!isSettled) continue;
    const position = { consistency, clusterTime: timestampText(time) };
    const readConcern = { level: 'snapshot', atClusterTime: time } as const;
    return { consistency, collections, readConcern, oplogFrom: undefined, takenAt, position };
  }
  const seen = { collections, readConcern: undefined, oplogFrom: undefined, takenAt };
  const isEmpty = [...collections.values()].flat().every(({ data }) => data === undefined);
  if (consistency === 'snapshot' && isEmpty) return { ...seen, consistency, position: { consistency } };
  const position = { consistency: 'none', notConsistent: inconsistencyOf(connection.facts) };
  return { ...seen, consistency: 'none', position };
};

const identities = (collections: ReadonlyMap<string, readonly Collection[]>): string =>
  JSON.stringify(
    [...collections].map(([database, all]) => [database, all.map(({ name, uuid }) => [name, uuid])]),
  );

/**
 * A point in time that can be read at. Undefined when there is nothing to read, or when `auto` finds that the server knows no
 * such reads, as engines that only speak MongoDB's protocol do.
 */
const clusterTime = async (
  connection: Connection,
  config: MongodbConfig,
  collections: ReadonlyMap<string, readonly Collection[]>,
): Promise<Timestamp | undefined> => {
  const first = [...collections.values()]
    .flat()
    .find(({ type, order }) => type === 'collection' && order === 'id');
  if (!first) return undefined;
  try {
    const reply = await connection.command(first.database, {
      find: first.name,
      limit: 1,
      projection: { _id: 1 },
      readConcern: { level: 'snapshot' },
    });
    const { atClusterTime } = reply.cursor as { readonly atClusterTime?: Timestamp };
    if (atClusterTime) return atClusterTime;
    if (config.consistency === 'auto') return undefined;
    throw new HoldfastError(
      'UNSUPPORTED',
      `MongoDB at ${connection.server} takes a snapshot read for a plain one`,
    );
  } catch (error) {
    if (!knowsNoSnapshots.includes(serverCode(error) ?? 0)) throw error;
    if (config.consistency === 'auto') return undefined;
    throw new HoldfastError(
      'UNSUPPORTED',
      `MongoDB at ${connection.server} cannot be read at a point in time: ${messageOf(error)}`,
      {
        hint: 'say `consistency: auto` to take the best this server can do',
        cause: error,
      },
    );
  }
};

const knowsNoSnapshots: readonly number[] = [
  code.invalidOptions,
  code.notImplemented,
  code.commandNotSupported,
  code.readConcernMajorityNotEnabled,
];
