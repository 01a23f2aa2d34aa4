// The daemon: runs jobs when they are due, each in a process of its own, until it is told to stop.
import { type DueTimes, openDueTimes } from '#catalog/due-times.ts';
import { isFarAhead } from '#catalog/wrong-clock.ts';
import { lockFolderOf, takeJobLock } from '#jobs/job-lock.ts';
import { type LastDue, maxAttempts, type ScheduledJob, scheduleKey } from '#jobs/schedule.ts';
import type { Clock } from '#lib/clock.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import { Errands } from './errands.ts';
import { giveBackMemory } from './give-back-memory.ts';
import { type Plan, readPlan } from './plan.ts';
import { type Child, type ChildEnd, startProgram } from './program.ts';
import { type Memory, Scheduler } from './scheduler.ts';
import type { ServiceManager } from './service-manager.ts';

export interface DaemonOptions {
  /** The configuration file, read anew at each reload. */
  readonly file: string;
  readonly plan: Plan;
  readonly clock: Clock;
  readonly log: Log;
  readonly manager: ServiceManager;
  /** Stops it: running jobs have their time, and those that need longer run again when a daemon is back. */
  readonly signal: AbortSignal;
}

/** After a cancelled job was asked to end, it is made to. */
const cancelMs = 60_000;
/** Until then the first look at all jobs is over. */
const settledMs = 3000;
/** How often the service manager is told that all is well. */
const aliveMs = 60_000;

/** Resolves when it has stopped. FAILED when another daemon works with the same catalog. */
export const runDaemon = async (options: DaemonOptions): Promise<void> => {
  const { plan, clock, log, signal } = options;
  using _ = await lockOf(plan.catalog, clock, signal);
  using dueTimes = openDueTimes(plan.catalog, (text) => log.warn(text), options.clock);
  await new Daemon(options, dueTimes).run();
};

const lockOf = async (catalog: string, clock: Clock, signal: AbortSignal): Promise<Disposable> => {
  const lock = await takeJobLock(lockFolderOf(catalog), '.daemon', { wait: false, clock, signal });
  if (lock) return lock;
  throw new HoldfastError('FAILED', `another daemon runs the jobs of ${catalog}`, {
    hint: 'stop it first; one daemon is enough for all jobs',
  });
};

class Daemon {
  readonly #options: DaemonOptions;
  readonly #dueTimes: DueTimes;
  readonly #scheduler: Scheduler;
  readonly #errands: Errands;
  readonly #children = new Map<string, Child>();
  /** Due times whose process ended before it could remember anything. */
  readonly #unrecorded = new Map<string, LastDue>();
  /** What the catalog said of each job the last time. */
  readonly #lastKnown = new Map<string, LastDue | undefined>();
  /** What runs is being cancelled, and what of it had not begun stays due. */
  #cancels = false;
  #plan: Plan;

  constructor(options: DaemonOptions, dueTimes: DueTimes) {
    this.#options = options;
    this.#dueTimes = dueTimes;
    this.#plan = options.plan;
    this.#errands = new Errands(options.log);
    this.#scheduler = new Scheduler({
      clock: options.clock,
      memory: this.#memory(),
      atOnce: options.plan.daemon.atOnce,
      start: (job, due, covers) => this.#run(job, due, covers),
    });
  }

  async run(): Promise<void> {
    const { log, manager, signal } = this.#options;
    const reload = (): void => void this.#reload();
    process.removeAllListeners('SIGHUP'); // which ends any other command
    process.on('SIGHUP', reload);
    const alive = setInterval(() => void manager.tell('WATCHDOG=1'), aliveMs);
    try {
      this.#takePlan(this.#plan);
      await manager.tell('READY=1');
      log.info(`watches ${countOf(this.#plan)}`);
      await this.#scheduler.run(signal);
      await this.#stop();
    } finally {
      clearInterval(alive);
      process.off('SIGHUP', reload);
      await this.#errands[Symbol.asyncDispose]();
    }
  }

  /** Takes the file as it is now; when it is wrong, all stays as it was. */
  async #reload(): Promise<void> {
    const { file, log, manager } = this.#options;
    try {
      await manager.tell('RELOADING=1');
      const plan = await readPlan(file);
      if (plan.catalog !== this.#plan.catalog)
        log.warn(`the catalog stays ${this.#plan.catalog} until the daemon is started anew`);
      this.#takePlan(plan);
      log.info(`read ${file} anew, watches ${countOf(plan)}`);
    } catch (error) {
      log.error(`the configuration stays as it was, for the new one is wrong: ${messageOf(error)}`);
    } finally {
      await manager.tell('READY=1');
    }
  }

  #takePlan(plan: Plan): void {
    this.#plan = plan;
    this.#scheduler.replaceJobs(plan.jobs, plan.daemon.atOnce);
    void this.#errands.take(plan);
    setTimeout(giveBackMemory, settledMs).unref();
  }

  async #stop(): Promise<void> {
    const { clock, log, manager } = this.#options;
    await manager.tell('STOPPING=1');
    const idle = Promise.all([this.#scheduler.idle(), this.#errands.stop()]).then(() => true);
    const within = async (ms: number): Promise<boolean> =>
      await Promise.race([idle, clock.sleep(ms).then(() => false)]);
    const { stopTimeout } = this.#plan.daemon;
    const running = [...this.#scheduler.running, ...this.#errands.ordered];
    if (running.length > 0) log.info(`stops; waits up to ${stopTimeout} for ${running.join(', ')}`);
    if (await within(durationMs(stopTimeout))) return;
    const late = this.#scheduler.running;
    if (late.length > 0) log.warn(`cancels ${late.join(', ')}, which will run again when a daemon is back`);
    if (this.#errands.ordered.length > 0) log.warn('cancels what was ordered, which will not run again');
    this.#dueTimes.wantAgain(late);
    this.#cancels = true;
    const kill = (how: NodeJS.Signals): void => {
      for (const child of this.#children.values()) child.kill(how);
      this.#errands.kill(how);
    };
    kill('SIGTERM');
    if (!(await within(cancelMs))) kill('SIGKILL');
    await this.#scheduler.idle();
    this.#dueTimes.wantAgain(late); // one that had only just begun was not in the catalog the first time
  }

  #memory(): Memory {
    return {
      since: (job, now) => {
        const key = scheduleKey(job);
        const since = this.#dueTimes.since(job.name, key);
        if (since === undefined) this.#dueTimes.begin(job.name, key, now);
        return since ?? now;
      },
      last: (job) => newest(this.#lastOf(job), this.#unrecordedOf(job)),
      skip: (job, { due, covers, why }, now) => {
        const error =
          why === 'overlap'
            ? { code: 'SKIPPED', message: 'the run before it was not over' }
            : { code: 'MISSED', message: `missed: nobody was there to start it at ${due.toISOString()}` };
        this.#options.log.warn({ job: job.name }, `${error.message} (due times without a run: ${covers})`);
        try {
          this.#dueTimes.remember(
            { job: job.name, verb: job.verb, due, covers, state: 'skipped', error },
            now,
          );
        } catch (cause) {
          this.#noteUnrecorded(job, { due, covers }, cause);
        }
      },
    };
  }

  /** What the catalog says, or said when it could be read: while its disk fails, jobs go on. */
  #lastOf(job: ScheduledJob): LastDue | undefined {
    try {
      this.#lastKnown.set(job.name, this.#dueTimes.last(job.name));
    } catch (error) {
      this.#options.log.error({ job: job.name }, messageOf(error));
    }
    return this.#lastKnown.get(job.name);
  }

  /** A due time that is done with, although the catalog will not know: else it would come again at once. */
  #noteUnrecorded(job: ScheduledJob, due: Pick<LastDue, 'due' | 'covers'>, cause: unknown): void {
    const endedAt = this.#options.clock.now();
    this.#unrecorded.set(job.name, { ...due, attempts: 1, state: 'done', endedAt });
    this.#options.log.error({ job: job.name }, messageOf(cause));
  }

  /** What is due later than now was begun under a clock that was ahead, and counts for nothing. */
  #unrecordedOf({ name }: ScheduledJob): LastDue | undefined {
    const found = this.#unrecorded.get(name);
    return found && found.due <= this.#options.clock.now() ? found : undefined;
  }

  /** Runs a job to its end and sees to it that its due time is remembered, whatever happened. Never throws. */
  async #run(job: ScheduledJob, due: Date, covers: number): Promise<void> {
    const log = this.#options.log.child({ job: job.name });
    const scheduled = ['--due', due.toISOString(), '--covers', String(covers)];
    log.info(`starts, due ${due.toISOString()}${covers > 1 ? `, for ${covers} due times` : ''}`);
    const child = startProgram(['-q', 'run', job.name, ...scheduled], this.#plan.text, (message) => {
      if (message.message_type !== 'warning') log.error(textOf(message));
      else log.warn(textOf(message));
    });
    this.#children.set(job.name, child);
    const end = await child.ended;
    this.#children.delete(job.name);
    if (end.status === 0) log.info('done');
    else log.error(`ended with ${howEnded(end)}`);
    try {
      this.#seeToRecord(job, { due, covers }, end);
    } catch (error) {
      this.#noteUnrecorded(job, { due, covers }, error);
    }
  }

  #seeToRecord(job: ScheduledJob, { due, covers }: Pick<LastDue, 'due' | 'covers'>, end: ChildEnd): void {
    const isRecorded = this.#dueTimes.last(job.name)?.due.getTime() === due.getTime();
    const before = this.#unrecorded.get(job.name);
    this.#unrecorded.delete(job.name);
    if (isRecorded || this.#cancels || isFarAhead(due, this.#options.clock.now())) return;
    const attempts = before?.due.getTime() === due.getTime() ? before.attempts + 1 : 1;
    if (end.signal && attempts < maxAttempts) {
      this.#unrecorded.set(job.name, { due, covers, attempts, state: 'unfinished' });
      return;
    }
    const error = { code: 'FAILED', message: `the run could not begin: ${howEnded(end)}` };
    const { name, verb } = job;
    this.#dueTimes.remember(
      { job: name, verb, due, covers, state: 'failed', error },
      this.#options.clock.now(),
    );
  }
}

const countOf = ({ jobs: { length } }: Plan): string =>
  `${length} ${length === 1 ? 'job' : 'jobs'} with a schedule`;

const newest = (one: LastDue | undefined, other: LastDue | undefined): LastDue | undefined => {
  if (one === undefined || other === undefined) return one ?? other;
  return other.due > one.due ? other : one;
};

const howEnded = ({ status, signal, error }: ChildEnd): string => {
  const how = signal ?? (status === undefined ? '' : `status ${status}`);
  return [how, error?.message].filter(Boolean).join(': ');
};

const textOf = ({ message, text, error }: Readonly<Record<string, unknown>>): string =>
  String(message ?? text ?? error ?? 'something failed');
