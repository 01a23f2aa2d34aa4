// One database and its copy: a replication that is there and works, and how far the copy is behind.
import type { Clock } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import {
  type Behind,
  type CopyMark,
  howFarBehind,
  madeWith,
  putReplication,
  type Replication,
  readMark,
  removeReplication,
  writeMark,
} from '#sources/couchdb/replication.ts';
import {
  changesPage,
  databaseInfo,
  missingRevisions,
  revisionsLimit,
  securityOf,
} from '#sources/couchdb/server.ts';
import { createDatabase, isSystemDatabase, setSecurity } from '#sources/couchdb/target-database.ts';
import type { LookedAt } from './replicate.ts';
import type { Standing } from './standing.ts';

/** `behind`: documents with revisions that the copy lacks. */
export interface CopyState {
  readonly state: 'in step' | 'behind';
  readonly behind: number;
}

/** Makes what is missing, and makes anew what failed or is no longer made as it should be. */
export const ensureReplication = async (
  looked: LookedAt,
  database: string,
  { replications, scheduled }: Standing,
): Promise<void> => {
  const { servers, task, prefix } = looked;
  const { source, copy } = servers;
  const before = replications.get(database);
  const isNew = await ensureCopy(looked, database, before);
  const spec = { prefix, database, source: source.endpoint(database), target: copy.endpoint(database) };
  const broken = before && brokenState(before, scheduled);
  // One that was there before its copy goes on from where it was with a copy that is no more.
  if (!before || isNew || before.made !== madeWith(spec) || broken)
    await putReplication(copy.client, spec, before);
  if (task.security && !isSystemDatabase(database)) await copySecurity(looked, database);
};

/** It is the same database as ever on both sides; made when it is missing: true then. */
const ensureCopy = async (
  { servers: { source, copy } }: LookedAt,
  database: string,
  before: Replication | undefined,
): Promise<boolean> => {
  const original = await databaseInfo(source.client, source.facts, database);
  if (!original) throw new HoldfastError('ITEM_CHANGED', `${database} was deleted just now`);
  const { createdAt, partitioned, shards } = original;
  if (!(await databaseInfo(copy.client, copy.facts, database))) {
    const limit = await revisionsLimit(source.client, database);
    await createDatabase(copy.client, copy.facts, database, { partitioned, shards, revisionsLimit: limit });
    await writeMark(copy.client, database, { since: '0', ...(createdAt !== undefined && { createdAt }) });
    return true;
  }
  const mark = await readMark(copy.client, database);
  if (mark && mark.createdAt !== createdAt) {
    // It would go on to bring the documents of the new database into the copy of the old one.
    if (before) await removeReplication(copy.client, before);
    throw madeAnew(database);
  }
  if (!mark && !before) await assertOurs(source.client, copy.client, database);
  if (!mark)
    await writeMark(copy.client, database, { since: '0', ...(createdAt !== undefined && { createdAt }) });
  return false;
};

const madeAnew = (database: string): HoldfastError =>
  new HoldfastError(
    'ITEM_CHANGED',
    `${database} was deleted and made anew: its copy is one of the old database, and is no longer replicated`,
    { hint: 'rename or delete the copy; the next run begins a new one' },
  );

const lookedAtOnce = 500;

/** A database that was there before may be an older copy; one with documents of its own is none. */
const assertOurs = async (
  source: Parameters<typeof changesPage>[0],
  copy: Parameters<typeof changesPage>[0],
  database: string,
): Promise<void> => {
  for (let [at, isLast] = ['0', false]; !isLast; ) {
    const page = await changesPage(copy, database, at, lookedAtOnce);
    const own = page.changes.filter(({ id }) => !(isSystemDatabase(database) && id.startsWith('_design/')));
    const revisions = Object.fromEntries(own.map(({ id, revs }) => [id, revs]));
    const [strange] =
      own.length === 0 ? [] : Object.keys(await missingRevisions(source, database, revisions));
    if (strange !== undefined) throw noCopy(database, copy.server, strange);
    ({ lastSeq: at, isLast } = page);
  }
};

const noCopy = (database: string, server: string, strange: string): HoldfastError =>
  new HoldfastError(
    'TARGET_NOT_EMPTY',
    `${database} is there already on ${server}, and is no copy: it has ${strange}`,
    {
      hint: 'rename or delete it there, or leave the database out of the source',
    },
  );

const copySecurity = async ({ servers: { source, copy } }: LookedAt, database: string): Promise<void> => {
  const [wanted, present] = [
    await securityOf(source.client, database),
    await securityOf(copy.client, database),
  ];
  if (!wanted.equals(present)) await setSecurity(copy.client, database, wanted);
};

/** Why it does not work, when it does not. */
const brokenState = (
  { id, state, reason }: Replication,
  scheduled: Standing['scheduled'],
): string | undefined => {
  const there = scheduled?.get(id);
  const now = there?.state ?? state;
  const isBroken = now !== undefined && ['failed', 'crashing', 'error'].includes(now);
  return isBroken ? (there?.error ?? reason ?? now) : undefined;
};

const firstPauseMs = 250;
const longestPauseMs = 10_000;

/** Waits for a copy that was never in step, until the deadline. Throws when it is not, or when its replication does not work. */
export const measureCopy = async (
  looked: LookedAt,
  database: string,
  { deadline, clock, signal }: { deadline: number; clock: Clock; signal: AbortSignal },
): Promise<CopyState> => {
  const { source, copy } = looked.servers;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const mark = (await readMark(copy.client, database)) ?? { since: '0' };
    const behind = await howFarBehind(source.client, copy.client, { database, since: mark.since, signal });
    await remember(looked, database, mark, behind, clock);
    if (behind.documents === 0) return { state: 'in step', behind: 0 };
    const standing = await looked.standing();
    const replication = standing.replications.get(database);
    const broken = replication && brokenState(replication, standing.scheduled);
    const isLate = clock.now().getTime() + pauseMs > deadline;
    if (broken !== undefined && (mark.inStepAt !== undefined || isLate))
      throw notWorking(database, behind, broken);
    if (mark.inStepAt !== undefined) return { state: 'behind', behind: behind.documents };
    if (isLate)
      throw new HoldfastError(
        'FAILED',
        `${database} was not in step in time: ${behind.documents} documents are missing in its copy`,
        {
          hint: 'the replication goes on; run again, or say a longer firstSync',
        },
      );
    await clock.sleep(pauseMs, signal);
  }
};

/** Written only when it says more than before. */
const remember = async (
  { servers: { copy } }: LookedAt,
  database: string,
  mark: CopyMark,
  { since, documents }: Behind,
  clock: Clock,
): Promise<void> => {
  const inStepAt = mark.inStepAt ?? (documents === 0 ? clock.now().toISOString() : undefined);
  if (since === mark.since && inStepAt === mark.inStepAt) return;
  const { createdAt } = mark;
  await writeMark(copy.client, database, {
    since,
    ...(inStepAt !== undefined && { inStepAt }),
    ...(createdAt !== undefined && { createdAt }),
  });
};

const notWorking = (database: string, { documents }: Behind, reason: string): HoldfastError =>
  new HoldfastError(
    'FAILED',
    `the replication of ${database} does not work, and ${documents} documents are missing in its copy: ${reason}`,
    {
      hint: 'check that the copying server reaches the source (`from`), and that its login may read it',
    },
  );
