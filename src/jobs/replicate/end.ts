// Replications whose source is gone, or no longer asked for.
import { HoldfastError } from '#lib/errors.ts';
import { removeReplication } from '#sources/couchdb/replication.ts';
import { databaseInfo } from '#sources/couchdb/server.ts';
import { isSystemDatabase } from '#sources/couchdb/target-database.ts';
import type { LookedAt } from './replicate.ts';
import type { Standing } from './standing.ts';

/** One that ended, with what is to be told of it once; or one that somebody has to decide on. */
export type EndedReplication = { readonly database: string } & (
  | { readonly notice: string }
  | { readonly error: Error }
);

/** The copies stay. With the replication goes the memory of it, so that nothing is told twice. */
export const endReplications = async (
  { servers: { source, copy }, task, prefix }: LookedAt,
  wanted: readonly string[],
  { replications }: Standing,
): Promise<EndedReplication[]> => {
  const there = new Set(wanted);
  for (const database of replications.keys())
    if (!there.has(database) && (await databaseInfo(source.client, source.facts, database)))
      there.add(database);
  const own = [...replications.keys()].filter((database) => !isSystemDatabase(database));
  if (own.length > 1 && own.every((database) => !there.has(database)))
    throw allGone(own.length, source.client.server, prefix);
  const ended: EndedReplication[] = [];
  for (const [database, replication] of replications) {
    if (wanted.includes(database)) continue;
    const isThere = there.has(database);
    if (!isThere && task.whenDeleted === 'fail') {
      ended.push({ database, error: deleted(database, replication.id) });
      continue;
    }
    await removeReplication(copy.client, replication);
    const why = isThere ? 'is no longer asked for' : 'was deleted at its source';
    ended.push({ database, notice: `${database} ${why}: its copy stays, and is no longer replicated` });
  }
  return ended;
};

/** A server that lost its data, or another one under its name, looks as if all had been deleted. */
const allGone = (count: number, server: string, prefix: string): HoldfastError =>
  new HoldfastError(
    'SOURCE_UNREACHABLE',
    `none of the ${count} databases that are replicated is on ${server}`,
    {
      hint: `see whether it is the right server, and has its data; when all were deleted, delete the documents ${prefix}… of _replicator on the copying server`,
    },
  );

const deleted = (database: string, id: string): HoldfastError =>
  new HoldfastError('ITEM_CHANGED', `${database} was deleted at its source`, {
    hint: `when that was meant, delete the document ${id} of _replicator on the copying server; the copy stays`,
  });
