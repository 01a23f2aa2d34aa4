// Replications whose source is gone, or no longer asked for.
import { HoldfastError } from '#lib/errors.ts';
import { removeReplication } from '#sources/couchdb/replication.ts';
import { databaseInfo } from '#sources/couchdb/server.ts';
import type { Standing } from './database.ts';
import type { LookedAt } from './replicate.ts';

/** One that ended, with what is to be told of it once; or one that somebody has to decide on. */
export type EndedReplication = { readonly database: string } & (
  | { readonly notice: string }
  | { readonly error: Error }
);

/** The copies stay. With the replication goes the memory of it, so that nothing is told twice. */
export const endReplications = async (
  { servers, task }: LookedAt,
  wanted: readonly string[],
  { replications }: Standing,
): Promise<EndedReplication[]> => {
  const ended: EndedReplication[] = [];
  for (const [database, replication] of replications) {
    if (wanted.includes(database)) continue;
    const isThere = (await databaseInfo(servers.source.client, servers.source.facts, database)) !== undefined;
    if (!isThere && task.whenDeleted === 'fail') {
      ended.push({ database, error: deleted(database, replication.id) });
      continue;
    }
    await removeReplication(servers.copy.client, replication);
    const why = isThere ? 'is no longer asked for' : 'was deleted at its source';
    ended.push({ database, notice: `${database} ${why}: its copy stays, and is no longer replicated` });
  }
  return ended;
};

const deleted = (database: string, id: string): HoldfastError =>
  new HoldfastError('ITEM_CHANGED', `${database} was deleted at its source`, {
    hint: `when that was meant, delete the document ${id} of _replicator on the copying server; the copy stays`,
  });
