// Sources → snapshots, one source after the other, each read once for all repositories. One that fails does not stop the others. Of a run
// that is `together` the states of all databases are taken before any is read.

import { throwIfCancelled } from '#lib/clock.ts';
import { asError, type ErrorCode, HoldfastError, hasCode } from '#lib/errors.ts';
import type { Progress } from '#lib/progress.ts';
import type { ItemOutcome, Snapshot, WriteOptions, WriteReport } from '#repository/contract.ts';
import type { SourceConfig } from '#sources/registry.ts';
import {
  type BackupTarget,
  type Begun,
  beginSource,
  type Held,
  type HeldRequest,
  holdAll,
  type Ready,
} from './begin-source.ts';
import type { FailedSource, JobEvent, OnJobEvent, SourceOutcome } from './event.ts';
import { type AnomalyRules, usualRules } from './health/anomalies.ts';
import { judgeBackup, type KeptManifests, keepManifests, suspicion } from './health/judge-backup.ts';
import type { JobContext } from './job-context.ts';
import { suspiciousTag } from './snapshot-choice.ts';
import { type Branch, tee } from './tee.ts';

export interface BackupRequest extends HeldRequest {
  /** Of the run; every snapshot of a run carries it, and together they are one restore point. */
  readonly runId: string;
  readonly job?: string;
  /** The user's own, beside those that say where a snapshot comes from. */
  readonly tags: readonly string[];
  /** What is suspicious beside earlier snapshots; nothing is when 'off', the usual when absent. */
  readonly anomalies?: AnomalyRules | 'off' | undefined;
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
