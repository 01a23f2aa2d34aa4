// Sources → snapshots, one source after the other. One that fails does not stop those after it.
import { hostname } from 'node:os';
import { type Clock, throwIfCancelled } from '#lib/clock.ts';
import { asError, type ErrorCode, HoldfastError, hasCode } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import type { Progress } from '#lib/progress.ts';
import type { ItemOutcome, Repository, Snapshot, WriteReport } from '#repository/contract.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import type { Finding } from '#sources/source.ts';
import type { FailedSource, JobEvent, OnJobEvent, SourceOutcome } from './event.ts';
import { isPartial, tagOf } from './snapshot-choice.ts';

export interface BackupRequest {
  readonly sources: readonly SourceConfig[];
  readonly repository: Repository;
  /** The repository's name for messages. */
  readonly repositoryName: string;
  /** Of the run; every snapshot of a run carries it, and together they are one restore point. */
  readonly runId: string;
  readonly job?: string;
  /** The user's own, beside those that say where a snapshot comes from. */
  readonly tags: readonly string[];
  readonly dryRun: boolean;
}

/** What every job is given by whoever runs it. */
export interface JobContext {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly onEvent: OnJobEvent;
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

/** Backs up one source after the other, and yields how each went. Throws only when cancelled. */
export async function* backUp(request: BackupRequest, context: JobContext): AsyncGenerator<SourceOutcome> {
  let fatal: Error | undefined;
  for (const source of request.sources) {
    throwIfCancelled(context.signal);
    const outcome = fatal ? skipped(request, source, fatal) : await backUpSource(request, source, context);
    if (outcome.state === 'failed' && concernsAll(outcome.error)) fatal = outcome.error;
    if ('report' in outcome) context.onEvent({ type: 'source-stored', outcome });
    else context.onEvent({ type: 'source-failed', outcome });
    yield outcome;
  }
}

const backUpSource = async (
  request: BackupRequest,
  source: SourceConfig,
  context: JobContext,
): Promise<SourceOutcome> => {
  const startedAt = context.clock.now();
  const ends = (): { source: string; kind: string; repository: string; ms: number } => ({
    source: source.name,
    kind: source.kind,
    repository: request.repositoryName,
    ms: context.clock.now().getTime() - startedAt.getTime(),
  });
  context.onEvent({
    type: 'started',
    subject: source.name,
    doing: `backing up to ${request.repositoryName}`,
  });
  try {
    const report = await writeSnapshot(request, source, startedAt, context);
    return { ...ends(), state: report.failures.length > 0 ? 'partial' : 'ok', report };
  } catch (error) {
    throwIfCancelled(context.signal);
    return { ...ends(), state: 'failed', error: asError(error) };
  }
};

const writeSnapshot = async (
  { repository, runId, job, tags, dryRun }: BackupRequest,
  source: SourceConfig,
  time: Date,
  { signal, clock, log, onEvent }: JobContext,
): Promise<WriteReport> => {
  const { name, kind } = source;
  const parent = lastGood(await repository.snapshots(), name, kind);
  await using opened = await openSource(source, { signal, clock, log });
  if (dryRun) reportFindings(name, await opened.check(), onEvent);
  const expected = parent?.summary?.totalBytesProcessed;
  return await repository.write(opened.dump(parent && repository.previous(parent, name)), {
    root: name,
    tags: [
      `source:${name}`,
      `kind:${kind}`,
      `run:${runId}`,
      ...(job === undefined ? [] : [`job:${job}`]),
      ...tags,
    ],
    time,
    concurrency: opened.concurrency,
    ...(parent && { parent }),
    dryRun,
    signal,
    onProgress: (progress) =>
      onEvent({ type: 'progress', subject: name, progress: withExpected(progress, expected) }),
    onItem: (outcome) => onEvent(itemEvent(name, outcome)),
  });
};

/** The newest complete snapshot of the source from this machine. */
const lastGood = (snapshots: readonly Snapshot[], source: string, kind: string): Snapshot | undefined =>
  snapshots.findLast(
    (snapshot) =>
      tagOf(snapshot, 'source') === source &&
      tagOf(snapshot, 'kind') === kind &&
      snapshot.hostname === hostname() &&
      !isPartial(snapshot),
  );

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
  { repositoryName }: Pick<BackupRequest, 'repositoryName'>,
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
