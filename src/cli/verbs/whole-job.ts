// A job with all that belongs to it whatever its verb. Every run of a job passes through here: its lock, what its hooks do
// before, the verb, what its hooks do after, who is told, and what is remembered of it all.
import type { Run } from '#catalog/run.ts';
import type { Config, JobConfig } from '#config/config.ts';
import type { Order } from '#jobs/console/order.ts';
import { takeJobLock } from '#jobs/job-lock.ts';
import { beginOpenRecord, type RunRecord, recordStates } from '#jobs/record.ts';
import type { RunContext } from '#jobs/run-backup.ts';
import { failed, skippedRun } from '#jobs/run-outcome.ts';
import { asError, hasCode, hintOf, messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import { withoutSecrets } from '#lib/secret.ts';
import { errorFields } from '../job-report.ts';
import type { Output } from '../output.ts';
import { hooksOf } from './job-hooks.ts';
import { noticesOf } from './job-notices.ts';
import { timeLimit } from './time-limit.ts';
import type { JobRun, VerbOptions } from './verb.ts';
import { runJob } from './verbs.ts';

export interface WholeJobOptions extends VerbOptions {
  /** The due time that the run is for, and how many it stands for; absent when no schedule asked for it. */
  readonly due?: Date | undefined;
  readonly covers?: number | undefined;
  /** Those of the console that the run is for, as far as they name its job. */
  readonly orders?: readonly Order[] | undefined;
}

export interface WholeJobContext {
  readonly run: RunContext;
  readonly config: Config;
  readonly output: Output;
  /** Where all runs write what they do, beside the catalog. */
  readonly log: Log;
  /** Where the locks of jobs lie. */
  readonly lockFolder: string;
  /** What hooks find in their environment beside the facts of the run. */
  readonly hookEnv: Readonly<Record<string, string>>;
}

/** Between taking its lock and remembering its due time, no run takes longer. */
const settleMs = 1000;

/** Runs a job. Throws only when cancelled or asked for what the verb cannot do; failures are in the result. */
export const runWholeJob = async (
  job: JobConfig,
  options: WholeJobOptions,
  context: WholeJobContext,
): Promise<JobRun> => {
  const { config, output } = context;
  if (options.dryRun) {
    if (job.hooks) output.warn(`${job.name}: its hooks are left out of a dry run`);
    return await runJob(job, config, options, context.run, output);
  }
  let lock = await lockOf(job, context);
  if (lock === undefined && options.due) {
    // A run that outlived its killed daemon may hold the lock, and be about to record that it is the run of this due time.
    await context.run.clock.sleep(settleMs, context.run.signal);
    if (isUnderWay(job, options, context)) return nothingToDo(job, output);
    lock = await lockOf(job, context);
  }
  if (lock === undefined) return skip(job, options, context, 'another run of it is not over');
  using _ = lock;
  if (hadItsRun(job, options, context)) return nothingToDo(job, output);
  return await runLocked(job, options, context);
};

/** Undefined when another process runs the job and we are not to wait. Without a folder for it, the work goes on without a lock. */
const lockOf = async (
  { name, overlap }: JobConfig,
  { run: { clock, signal }, output, lockFolder }: WholeJobContext,
): Promise<Disposable | undefined> => {
  const onWait = (): void =>
    output.say({ message_type: 'waiting', name }, `${name}: waits for another run of it to end`);
  try {
    return await takeJobLock(lockFolder, name, { wait: overlap === 'wait', clock, signal, onWait });
  } catch (error) {
    if (hasCode(error, 'CANCELLED') || signal.aborted) throw error;
    output.warn(
      `${name}: cannot be locked in ${lockFolder}, so another run could start: ${messageOf(error)}`,
    );
    return { [Symbol.dispose]() {} };
  }
};

/** What became of the runs for the same due time that other processes began. */
const statesOf = (
  { name }: JobConfig,
  { due }: WholeJobOptions,
  { run: { catalog } }: WholeJobContext,
): readonly Run['state'][] =>
  due === undefined ? [] : (catalog?.runsFor(name, due) ?? []).map(({ state }) => state);

const hadItsRun = (...run: Parameters<typeof statesOf>): boolean => statesOf(...run).some(isOver);

const isUnderWay = (...run: Parameters<typeof statesOf>): boolean =>
  statesOf(...run).some((state) => state === 'running' || isOver(state));

/** A run that was killed or cancelled leaves its due time open. */
const isOver = (state: Run['state']): boolean => !['running', 'interrupted', 'cancelled'].includes(state);

const nothingToDo = ({ name }: JobConfig, output: Output): JobRun => {
  output.say({ message_type: 'run_skipped', name }, `${name}: nothing to do, it has its run`);
  return { ...skippedRun, id: '', fields: { name, ...skippedRun } };
};

const begin = (
  { name, verb }: JobConfig,
  { due, covers, orders = [] }: WholeJobOptions,
  { run }: WholeJobContext,
): RunRecord => {
  const startedAt = run.clock.now();
  const scheduled = due && { due, covers: covers ?? 1 };
  const asked = orders.filter(({ jobs }) => jobs.includes(name)).map(({ id }) => id);
  return beginOpenRecord(run.catalog, { job: name, verb, startedAt, ...scheduled, orders: asked }, run);
};

const skip = (job: JobConfig, options: WholeJobOptions, context: WholeJobContext, why: string): JobRun => {
  const { name } = job;
  const record = begin(job, options, context);
  return skipped(name, record, context.output, why);
};

const skipped = (name: string, record: RunRecord, output: Output, why: string): JobRun => {
  output.say({ message_type: 'run_skipped', name, run: record.id, reason: why }, `${name}: skipped: ${why}`);
  record.close({ state: 'skipped', exitStatus: 0, error: { code: 'SKIPPED', message: why } });
  return { ...skippedRun, id: record.id, fields: { name, run: record.id, ...skippedRun, reason: why } };
};

const runLocked = async (
  job: JobConfig,
  options: WholeJobOptions,
  context: WholeJobContext,
): Promise<JobRun> => {
  const { run, output } = context;
  const record = begin(job, options, context);
  const log = context.log.child({ job: job.name, run: record.id });
  using _ = output.copyTo((level, text) => {
    record.line(level, text);
    log[level](withoutSecrets(text));
  });
  const hooks = hooksOf(job, options, context, record);
  const notices = noticesOf(job, context, record);
  try {
    using limit = timeLimit(job, run.signal);
    if ((await hooks.before(limit.signal)) === 'skip')
      return skipped(job.name, record, output, 'its hook said so');
    notices.begun();
    const { signal } = limit;
    const onHeld = (): Promise<void> => hooks.held(signal);
    const ended = await limit.hold(
      runJob(job, context.config, options, { ...run, begun: record, signal, onHeld }, output),
    );
    return close(record, await hooks.after(ended));
  } catch (error) {
    record.thrown(error);
    const ended = failedRun(job.name, record, error);
    if (run.signal.aborted) {
      await hooks.afterCancelled();
      record.close();
      throw error;
    }
    reportFailure(ended, error, output);
    return close(record, await hooks.after(ended));
  } finally {
    await notices.ended();
  }
};

const failedRun = (name: string, { id }: RunRecord, error: unknown): JobRun => {
  const ended = failed(error);
  return { ...ended, id, fields: { name, run: id, ...ended, ...errorFields(asError(error)) } };
};

const reportFailure = ({ fields }: JobRun, error: unknown, output: Output): void => {
  output.progressDone();
  const hint = hintOf(error);
  const message = { message_type: 'run_failed', ...fields };
  output.failure(message, `${fields.name}: ${messageOf(error)}`, hint);
};

/** Ends the run in the catalog as it ended after all. */
const close = (record: RunRecord, run: JobRun): JobRun => {
  record.close({ state: recordStates[run.state], exitStatus: run.status });
  return run;
};
