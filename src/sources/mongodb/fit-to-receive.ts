// Whether a database can receive, asked before anything is written there.
import { HoldfastError } from '#lib/errors.ts';
import { notReceived } from '../receiving-refused.ts';
import { listCollections } from './listing.ts';
import { isInternal, isInternalDatabase } from './patterns.ts';
import { type Received, readKept, receivedCollection } from './received-mark.ts';

/**
 * CONFIG_INVALID for one of the server's own, UNSUPPORTED in a sharded cluster, TARGET_NOT_EMPTY for one that somebody else filled: that
 * is not ours to replace.
 */
export const assertFit = async (received: Received): Promise<void> => {
  const { connection, database } = received;
  if (isInternalDatabase(database)) throw isServersOwn(database);
  if (connection.facts.topology === 'sharded cluster') throw isSharded(connection.server);
  if (await readKept(received)) return;
  const present = await listCollections(connection, database);
  if (present.some(({ name }) => !isInternal(name) && name !== receivedCollection)) throw isUsed(database);
};

const isServersOwn = (database: string): HoldfastError =>
  new HoldfastError('CONFIG_INVALID', `nothing can be received into ${database}, which is the server’s own`, {
    hint: 'name another database in the URL',
  });

/** Its shards take a new name one after the other. */
const isSharded = (server: string): HoldfastError =>
  new HoldfastError('UNSUPPORTED', `nothing can be received into the sharded cluster at ${server}`, {
    hint: 'receive into a replica set, or restore into the cluster with `holdfast restore`',
  });

const isUsed = (database: string): HoldfastError =>
  notReceived(
    `database ${database}`,
    'receive into another database, or drop this one first: db.dropDatabase()',
  );
