// How all collections come to be read as of one moment, and what is said where they cannot be.
import { HoldfastError } from '#lib/errors.ts';
import type { MongodbConfig } from './config.ts';
import type { ServerFacts } from './server-facts.ts';

export type Consistency = 'snapshot' | 'oplog' | 'none';

/** Reads at a point in time, outside transactions, came with this version. */
const firstWithSnapshots = 5;

/** The way for this server; UNSUPPORTED when the one that was asked for does not exist there. */
export const consistencyFor = (wanted: MongodbConfig['consistency'], facts: ServerFacts): Consistency => {
  const { topology, major, version } = facts;
  if (wanted === 'none') return 'none';
  if (wanted === 'auto') {
    if (topology === 'standalone') return 'none';
    if (major >= firstWithSnapshots) return 'snapshot';
    return topology === 'replica set' ? 'oplog' : 'none';
  }
  const obstacle =
    topology === 'standalone'
      ? 'a standalone server keeps no history to read from'
      : wanted === 'snapshot' && major < firstWithSnapshots
        ? `version ${version} is older than 5.0`
        : wanted === 'oplog' && topology === 'sharded cluster'
          ? 'a cluster has an oplog for each shard, and none for all of them'
          : undefined;
  if (obstacle === undefined) return wanted;
  throw new HoldfastError('UNSUPPORTED', `\`consistency: ${wanted}\` is not possible: ${obstacle}`, {
    hint: 'say `consistency: auto` to take the best this server can do',
  });
};

/** What a backup without consistency does not promise, for people. */
export const inconsistencyOf = ({ topology, version }: ServerFacts): string =>
  topology === 'standalone'
    ? 'a standalone server cannot be read as of one moment: each collection is read as it is while it is read'
    : `a ${topology} of version ${version} cannot be read as of one moment: each collection is read as it is while it is read`;
