// Sources → snapshots, one source after the other, each read once for all repositories. One that fails does not stop the others. Of a run
// that is `together` the states of all databases are taken before any is read.

import { throwIfCancelled } from '#lib/clock.ts';
import { asError, type ErrorCode, HoldfastError, hasCode } from '#lib/errors.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Progress } from '#lib/progress.ts';
import type { ItemOutcome, Repository, Snapshot, WriteOptions, WriteReport } from '#repository/contract.ts';
import { kindsWith } from '#sources/abilities.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import type { Entry, Finding } from '#sources/source.ts';
import type { FailedSource, JobEvent, OnJobEvent, SourceOutcome } from './event.ts';
import { type AnomalyRules, usualRules } from './health/anomalies.ts';
import { judgeBackup, type KeptManifests, keepManifests, suspicion } from './health/judge-backup.ts';
import type { JobContext } from './job-context.ts';
import { isGood, isOfPartialBackup, suspiciousTag, tagOf } from './snapshot-choice.ts';
import { type Branch, commonPrevious, tee } from './tee.ts';

export interface BackupRequest {
  readonly sources: readonly SourceConfig[];
  readonly targets: readonly BackupTarget[];
  /** Of the run; every snapshot of a run carries it, and together they are one restore point. */
  readonly runId: string;
  readonly job?: string;
  /** The user's own, beside those that say where a snapshot comes from. */
  readonly tags: readonly string[];
  readonly dryRun: boolean;
  /** The states of all databases are taken at once, and `onHeld` is called when they stand: what fails there fails all. */
  readonly together?: boolean | undefined;
  readonly onHeld?: (() => Promise<void>) | undefined;
  /** What is suspicious beside earlier snapshots; nothing is when 'off', the usual when absent. */
  readonly anomalies?: AnomalyRules | 'off' | undefined;
}

/** A repository that is open, and its name for messages. */
export interface BackupTarget {
  readonly name: string;
  readonly repository: Repository;
}

const repositoryErrors: readonly ErrorCode[] = [
  'STORE_UNREACHABLE',
  'STORE_DENIED',
  'STORE_FULL',
  'OBJECT_MISSING',
  'REPOSITORY_MISSING',
  'REPOSITORY_LOCKED',
  'REPOSITORY_DAMAGED',
  'WRONG_PASSWORD',
];

/** True for an error of the repository, which the next source would meet as well. */
export const concernsAll = (error: unknown): boolean => hasCode(error, ...repositoryErrors);

/** Backs up one source after the other, and yields how each went in each repository. Throws only when cancelled. */
export async function* backUp(request: BackupRequest, context: JobContext): AsyncGenerator<SourceOutcome> {
  const fatal = new Map<BackupTarget, Error>();
  await using held = await holdAll(request, context);
  for (const source of request.sources) {
    throwIfCancelled(context.signal);
    const working = request.targets.filter((target) => !fatal.has(target));
    const outcomes = [
      ...[...fatal].map(([target, error]) => ({ target, outcome: skipped(target.name, source, error) })),
      ...(working.length > 0
        ? await backUpSource({ ...request, targets: working }, source, held, context)
        : []),
    ];
    for (const { target, outcome } of outcomes) {
      if (outcome.state === 'failed' && concernsAll(outcome.error)) fatal.set(target, outcome.error);
      if ('report' in outcome) context.onEvent({ type: 'source-stored', outcome });
      else context.onEvent({ type: 'source-failed', outcome });
      yield outcome;
    }
  }
}

interface TargetOutcome {
  readonly target: BackupTarget;
  readonly outcome: SourceOutcome;
}

const backUpSource = async (
  request: BackupRequest,
  source: SourceConfig,
  held: Held,
  context: JobContext,
): Promise<TargetOutcome[]> => {
  const startedAt = context.clock.now();
  const { targets } = request;
  const outcomeOf = ({ target, ended, suspicion }: Written): TargetOutcome => {
    const { name, kind } = source;
    const ms = context.clock.now().getTime() - startedAt.getTime();
    const begin = { source: name, kind, repository: target.name, ms };
    if (ended instanceof Error) return { target, outcome: { ...begin, state: 'failed', error: ended } };
    const state = ended.failures.length > 0 || suspicion ? 'partial' : 'ok';
    return { target, outcome: { ...begin, state, report: ended, ...(suspicion && { suspicion }) } };
  };
  const names = targets.map(({ name }) => name).join(', ');
  context.onEvent({ type: 'started', subject: source.name, doing: `backing up to ${names}` });
  try {
    await using begun = held.take(source) ?? (await beginSource(request, source, context));
    return (await writeSnapshots(request, source, begun, context)).map(outcomeOf);
  } catch (error) {
    throwIfCancelled(context.signal);
    return targets.map((target) => outcomeOf({ target, ended: asError(error) }));
  }
};

/** How it ended in one repository. */
interface Written {
  readonly target: BackupTarget;
  readonly ended: WriteReport | Error;
  readonly suspicion?: Error | undefined;
}

/** A source that is open, as it was at that time, and the repositories that can take it. */
interface Begun extends AsyncDisposable {
  readonly time: Date;
  readonly failed: readonly Written[];
  readonly ready: readonly Ready[];
  readonly entries: AsyncIterable<Entry>;
  readonly concurrency: number;
}

/** Of one that is held, `heldAt`, the first entry has come when this resolves. */
const beginSource = async (
  { targets, dryRun }: BackupRequest,
  source: SourceConfig,
  { signal, clock, log, onEvent }: JobContext,
  heldAt?: Date,
): Promise<Begun> => {
  const time = heldAt ?? clock.now();
  const found = await Promise.all(targets.map((target) => parentIn(target, source)));
  const failed = found.filter((one) => 'ended' in one);
  const ready = found.filter((one) => 'parent' in one);
  throwIfCancelled(signal);
  if (ready.length === 0) return { ...nothing, time, failed };
  const opened = await openSource(source, { signal, clock, log });
  let closing: PromiseLike<void> | undefined;
  const close = (): PromiseLike<void> => (closing ??= opened[Symbol.asyncDispose]());
  try {
    if (dryRun) reportFindings(source.name, await opened.check(), onEvent);
    const previous = commonPrevious(
      ready.map(({ target, parent }) => parent && target.repository.previous(parent, source.name)),
    );
    const dump = opened.dump(previous, { allAtOnce: heldAt !== undefined });
    const entries = heldAt ? await withFirst(dump) : dump;
    const { concurrency } = opened;
    return { time, failed, ready, entries, concurrency, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
};

const nothing: Omit<Begun, 'time' | 'failed'> = {
  ready: [],
  entries: (async function* () {})(),
  concurrency: 1,
  async [Symbol.asyncDispose]() {},
};

/** The same entries, the first of which has come. */
const withFirst = async (entries: AsyncIterable<Entry>): Promise<AsyncIterable<Entry>> => {
  const iterator = entries[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let result = first; !result.done; result = await iterator.next()) yield result.value;
    } finally {
      await iterator.return?.();
    }
  })();
};

interface Held extends AsyncDisposable {
  /** Undefined for one that is begun in its turn. Throws why one that was to be held is not. */
  take(source: SourceConfig): Begun | undefined;
}

/** Of a run that is together, all sources that have a state to hold. */
const holdAll = async (request: BackupRequest, context: JobContext): Promise<Held> => {
  const holders = request.together
    ? request.sources.filter(({ kind }) => kindsWith('moment').includes(kind))
    : [];
  const held = new Map<SourceConfig, Begun | Error>();
  let stopped: Error | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([...held.values()].map((one) => !(one instanceof Error) && one[Symbol.asyncDispose]()));
  };
  if (holders.length > 0) {
    const heldAt = context.clock.now();
    const subject = holders.map(({ name }) => name).join(', ');
    context.onEvent({ type: 'started', subject, doing: 'opening all, before any is read' });
    const begin = (source: SourceConfig): Promise<Begun | Error> =>
      beginSource(request, source, context, heldAt).catch(asError);
    await Promise.all(holders.map(async (source) => void held.set(source, await begin(source))));
    try {
      throwIfCancelled(context.signal);
      await request.onHeld?.();
    } catch (error) {
      await close();
      throwIfCancelled(context.signal);
      stopped = asError(error);
    }
  }
  return {
    take(source) {
      const found = stopped ?? held.get(source);
      if (found instanceof Error) throw found;
      return found;
    },
    [Symbol.asyncDispose]: close,
  };
};

const writeSnapshots = async (
  request: BackupRequest,
  source: SourceConfig,
  { time, failed: allFailed, ready: allReady, entries: all, concurrency }: Begun,
  { signal, onEvent }: JobContext,
): Promise<Written[]> => {
  const { name } = source;
  const isWanted = ({ target }: Written | Ready): boolean => request.targets.includes(target); // others failed meanwhile
  const [failed, ready] = [allFailed.filter(isWanted), allReady.filter(isWanted)];
  if (ready.length === 0) return failed;
  const kept = keepManifests(all, source.kind);
  const branches = tee(kept.entries, ready.length);
  const options = { ...writeOptions(request, source), time, concurrency, signal };
  const events = eventsOf(name, onEvent);
  const written = await Promise.all(
    ready.map(async ({ target, parent, earlier }, at): Promise<Written> => {
      const { entries, leave } = branches[at] as Branch;
      try {
        const judgement = judgementOf(request, source, target, { earlier, kept, time, signal });
        const { lateTags } = judgement;
        const own = { ...options, ...events(parent, at), ...(parent && { parent }), lateTags };
        return { target, ended: await target.repository.write(entries, own), suspicion: judgement.found() };
      } catch (error) {
        return { target, ended: asError(error) };
      } finally {
        leave();
      }
    }),
  );
  throwIfCancelled(signal);
  return [...failed, ...written];
};

interface Ready {
  readonly target: BackupTarget;
  readonly parent: Snapshot | undefined;
  readonly earlier: readonly Snapshot[];
}

const parentIn = async (target: BackupTarget, source: SourceConfig): Promise<Ready | Written> => {
  try {
    const snapshots = await target.repository.snapshots();
    assertNameIsFree(snapshots, source, target);
    const earlier = ownSnapshots(snapshots, source);
    return { target, parent: earlier.findLast((one) => isGood(one) || isOfPartialBackup(one)), earlier };
  } catch (error) {
    return { target, ended: asError(error) };
  }
};

/** Two places that would share a name would be one source, and the snapshots of one could be forgotten for those of the other. */
const assertNameIsFree = (
  snapshots: readonly Snapshot[],
  { name, place }: SourceConfig,
  target: BackupTarget,
): void => {
  if (place === undefined) return;
  const named = snapshots.filter((one) => isFromHere(one, name));
  const other = named.map((one) => tagOf(one, 'place')).findLast((each) => each !== undefined);
  if (other === undefined || other === place) return;
  throw new HoldfastError('USAGE', `"${name}" is the name of ${other} in ${target.name} already`, {
    hint: `give ${place} a name of its own with --name; or, if it is the same in another place, say --name ${name}`,
  });
};

const isFromHere = (snapshot: Snapshot, name: string): boolean =>
  tagOf(snapshot, 'source') === name && snapshot.hostname === machineName();

const writeOptions = ({ runId, job, tags, dryRun }: BackupRequest, { name, kind, place }: SourceConfig) => ({
  root: name,
  tags: [
    `source:${name}`,
    `kind:${kind}`,
    `run:${runId}`,
    ...(job === undefined ? [] : [`job:${job}`]),
    ...(place === undefined ? [] : [`place:${place}`]),
    ...tags,
  ],
  dryRun,
});

/** Of several repositories that write the same, the first one to get as far tells of an item, and one tells of the progress. */
const eventsOf = (name: string, onEvent: OnJobEvent) => {
  const told = new Set<string>();
  let mostBytes = 0;
  return (
    parent: Snapshot | undefined,
    at: number,
  ): Required<Pick<WriteOptions, 'onProgress' | 'onItem'>> => ({
    onProgress: (progress) => {
      if (at > 0 && progress.bytes <= mostBytes) return;
      mostBytes = Math.max(mostBytes, progress.bytes);
      const expected = parent?.summary?.totalBytesProcessed;
      onEvent({ type: 'progress', subject: name, progress: withExpected(progress, expected) });
    },
    onItem: (outcome) => {
      if (told.has(outcome.path)) return;
      told.add(outcome.path);
      onEvent(itemEvent(name, outcome));
    },
  });
};

/** The snapshots of the source from this machine. */
const ownSnapshots = (snapshots: readonly Snapshot[], { name, kind }: SourceConfig): Snapshot[] =>
  snapshots.filter((snapshot) => isFromHere(snapshot, name) && tagOf(snapshot, 'kind') === kind);

interface Judged {
  readonly earlier: readonly Snapshot[];
  readonly kept: KeptManifests;
  readonly time: Date;
  readonly signal: AbortSignal;
}

/** Looks at the snapshot when all but itself is stored; what was left out of it has its own errors. */
const judgementOf = (
  { anomalies: rules = usualRules, runId }: BackupRequest,
  { name }: SourceConfig,
  { repository }: BackupTarget,
  { earlier, kept, time, signal }: Judged,
) => {
  let findings: string[] = [];
  const lateTags: NonNullable<WriteOptions['lateTags']> = async (summary, failures) => {
    if (rules === 'off' || failures.length > 0) return [];
    findings = await judgeBackup(summary, kept, { repository, earlier, root: name, rules, time, signal });
    return findings.length > 0 ? [suspiciousTag] : [];
  };
  return { lateTags, found: () => (findings.length > 0 ? suspicion(findings, runId) : undefined) };
};

/** A source says what it will read only as it reads it; until it has passed last time's size, that is a fair guess. */
const withExpected = (progress: Progress, expected: number | undefined): Progress =>
  progress.totalBytes === undefined && expected !== undefined && progress.bytes < expected
    ? { ...progress, totalBytes: expected, estimated: true }
    : progress;

const itemEvent = (subject: string, { path, item = path, bytes, error }: ItemOutcome): JobEvent =>
  error ? { type: 'item-failed', subject, item, error } : { type: 'item-done', subject, item, bytes };

const reportFindings = (name: string, findings: readonly Finding[], onEvent: OnJobEvent): void => {
  for (const { level, subject, message, hint } of findings)
    onEvent({
      type: 'warning',
      subject: name,
      text: `${level === 'error' ? 'would fail: ' : ''}${subject}: ${message}`,
      ...(hint !== undefined && { hint }),
    });
};

/** The outcome of a source that was not begun, because the repository failed before its turn. */
export const skipped = (
  repositoryName: string,
  { name, kind }: SourceConfig,
  cause: Error,
): FailedSource => ({
  source: name,
  kind,
  repository: repositoryName,
  ms: 0,
  state: 'skipped',
  error: new HoldfastError('FAILED', `not begun, because ${repositoryName} failed before: ${cause.message}`, {
    cause,
  }),
});
