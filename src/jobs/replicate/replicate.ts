// CouchDB: a second server keeps copies by replications of its own. A run looks after them: makes those that are missing, mends
// those that failed, measures how far each copy is behind, and ends those whose source is gone.
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import type { JobEvent } from '../event.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, ok, together } from '../run-outcome.ts';
import { type CouchServers, openCouchServers, type ServersToOpen } from './couch-servers.ts';
import { type CopyState, ensureReplication, measureCopy } from './database.ts';
import { endReplications } from './end.ts';
import { type Standing, standings } from './standing.ts';

export interface ReplicateTask extends ServersToOpen {
  readonly job: string;
  readonly security: boolean;
  readonly whenDeleted: 'keep' | 'fail';
  /** How long a run waits for copies that were never in step. */
  readonly firstSyncMs: number;
}

/** How one database stands. */
export type ReplicateOutcome = { readonly database: string } & (
  | CopyState
  | { readonly state: 'failed'; readonly error: Error }
);

export interface ReplicateRun extends Ended {
  readonly id: string;
  readonly outcomes: readonly ReplicateOutcome[];
  /** Why nothing could be looked at. */
  readonly error?: Error;
}

/** Looks after every database; one that fails does not stop the others. Throws only when cancelled. */
export const runReplicate = (task: ReplicateTask, context: RunContext): Promise<ReplicateRun> =>
  recorded({ verb: 'replicate', job: task.job }, context, async ({ id, record, watched }) => {
    try {
      const outcomes = await replicateAll(task, watched);
      for (const outcome of outcomes) watched.onEvent(itemEvent(task.job, outcome));
      const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []));
      const ended = together(outcomes.map((outcome) => ('error' in outcome ? failed(outcome.error) : ok)));
      record?.end(ended, [], errors[0]);
      return { ...ended, id, outcomes };
    } catch (thrown) {
      throwIfCancelled(context.signal);
      record?.thrown(thrown);
      return { ...failed(thrown), id, outcomes: [], error: asError(thrown) };
    }
  });

const itemEvent = (subject: string, outcome: ReplicateOutcome): JobEvent =>
  'error' in outcome
    ? { type: 'item-failed', subject, item: outcome.database, error: outcome.error }
    : { type: 'item-done', subject, item: outcome.database, bytes: 0 };

const replicateAll = async (task: ReplicateTask, context: RunContext): Promise<ReplicateOutcome[]> => {
  await using servers = await openCouchServers(task, context);
  const { present, absent } = await servers.sourceDatabases();
  if (present.includes('_replicator'))
    throw new HoldfastError('USAGE', 'replications cannot be replicated: they would run twice', {
      hint: `leave _replicator out of systemDatabases of ${task.source.name}`,
    });
  const { onEvent, clock, signal } = context;
  const prefix = `holdfast:${task.job}:`;
  const standing = await standings(servers, prefix, clock)();
  const looked: LookedAt = { servers, task, prefix, standing: standings(servers, prefix, clock) };
  const outcomes = new Map<string, ReplicateOutcome>();
  const attempt = async (database: string, work: () => Promise<CopyState | undefined>): Promise<void> => {
    if (outcomes.has(database)) return;
    try {
      const state = await work();
      if (state) outcomes.set(database, { database, ...state });
    } catch (thrown) {
      throwIfCancelled(signal);
      outcomes.set(database, { database, state: 'failed', error: asError(thrown) });
    }
  };
  onEvent({ type: 'started', subject: task.job, doing: `looking after ${present.length} replications` });
  const endings = await endReplications(looked, present, standing);
  // All of them work while the first ones are waited for.
  await forEachLimit(present, atOnce, (database) =>
    attempt(database, async () => void (await ensureReplication(looked, database, standing))),
  );
  for (const ended of endings)
    if ('error' in ended) await attempt(ended.database, () => Promise.reject(ended.error));
    else onEvent({ type: 'warning', subject: task.job, text: ended.notice });
  for (const database of absent)
    if (!standing.replications.has(database))
      await attempt(database, () => Promise.reject(missing(database, task)));
  const waiting = { deadline: clock.now().getTime() + task.firstSyncMs, clock, signal };
  await forEachLimit(present, atOnce, (database) =>
    attempt(database, () => measureCopy(looked, database, waiting)),
  );
  return [...outcomes.values()].toSorted((a, b) => (a.database < b.database ? -1 : 1));
};

const atOnce = 4;

const missing = (database: string, { source }: ReplicateTask): HoldfastError =>
  new HoldfastError('SOURCE_UNREACHABLE', `${source.name} has no database ${database}`, {
    hint: 'check its name in `databases`',
  });

/** What the work on each database shares. */
export interface LookedAt {
  readonly servers: CouchServers;
  readonly task: ReplicateTask;
  /** All replications of a job begin so, and no other job's do. */
  readonly prefix: string;
  /** How they go now; first asked when all of them have been looked after. */
  standing(): Promise<Standing>;
}
