// Starts jobs when they are due: at most so many at once, none beside itself, and each due time once. It sleeps in between.
import { judge, type LastDue, type Moment, type ScheduledJob, type Verdict } from '#jobs/schedule.ts';
import type { Clock } from '#lib/clock.ts';

/** What became of due times, remembered beyond the life of the daemon. */
export interface Memory {
  since(job: ScheduledJob, now: Date): Date;
  last(job: ScheduledJob): LastDue | undefined;
  skip(job: ScheduledJob, verdict: Extract<Verdict, { do: 'skip' }>, now: Date): void;
}

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly memory: Memory;
  /** Runs a job to its end, however that is; what it did with the due time is in the memory then. Never throws. */
  readonly start: (job: ScheduledJob, due: Date, covers: number) => Promise<void>;
  readonly atOnce: number;
  /** A machine may sleep and its clock be set: the time is looked at so often, whatever is due. */
  readonly longestSleepMs?: number;
}

interface Entry {
  readonly job: ScheduledJob;
  readonly since: Date;
  last: LastDue | undefined;
  /** When to look at it again; undefined: when something happens to it. */
  lookAt: Date | undefined;
}

const usualSleepMs = 60_000;
/** Whoever wakes so late has slept, and watched nothing. */
const oversleptMs = 60_000;
/** A run that another process began, or that the daemon before this one left, is looked at so often. */
const strangerMs = 2000;

export class Scheduler {
  readonly #options: SchedulerOptions;
  #entries = new Map<string, Entry>();
  #atOnce: number;
  readonly #running = new Map<string, Promise<void>>();
  #watchedSince: Date;
  #somethingHappened = new AbortController();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#atOnce = options.atOnce;
    this.#watchedSince = options.clock.now();
  }

  get running(): readonly string[] {
    return [...this.#running.keys()];
  }

  /** Takes these jobs in place of those before; what runs goes on. */
  replaceJobs(jobs: readonly ScheduledJob[], atOnce = this.#atOnce): void {
    const now = this.#options.clock.now();
    this.#atOnce = atOnce;
    this.#entries = new Map(
      jobs.map((job) => {
        const since = this.#options.memory.since(job, now);
        return [job.name, { job, since, last: this.#options.memory.last(job), lookAt: now }];
      }),
    );
    this.#wake();
  }

  /** Starts what is due until the signal fires; what runs then goes on. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#somethingHappened = new AbortController();
      const now = clock.now();
      this.#startDue(now);
      const wakeAt = this.#wakeAt(now);
      await clock
        .sleep(wakeAt.getTime() - now.getTime(), AbortSignal.any([signal, this.#somethingHappened.signal]))
        .catch(() => {}); // cut short: there is something to do
      this.#noticeJumps(now, wakeAt);
    }
  }

  /** A machine that slept has watched nothing meanwhile; a clock that was set back may have made up all that was found so far. */
  #noticeJumps(before: Date, wakeAt: Date): void {
    const now = this.#options.clock.now();
    if (now.getTime() - wakeAt.getTime() > oversleptMs) this.#watchedSince = now;
    if (now < before) this.replaceJobs([...this.#entries.values()].map(({ job }) => job));
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #wake(): void {
    this.#somethingHappened.abort();
  }

  #startDue(now: Date): void {
    const due: { entry: Entry; verdict: Extract<Verdict, { do: 'run' }> }[] = [];
    for (const entry of this.#entries.values()) {
      if (this.#running.has(entry.job.name)) continue;
      const verdict = this.#judge(entry, now);
      if (verdict?.do === 'run') due.push({ entry, verdict });
    }
    due.sort((a, b) => a.verdict.startAt.getTime() - b.verdict.startAt.getTime());
    for (const { entry, verdict } of due.slice(0, Math.max(0, this.#atOnce - this.#running.size)))
      this.#start(entry, verdict);
  }

  /** Whether to start a job or wait; undefined when it is not time to ask. Due times to be skipped are recorded as such on the way. */
  #judge(entry: Entry, now: Date): Verdict | undefined {
    if (entry.lookAt === undefined || entry.lookAt > now) return undefined;
    const { memory } = this.#options;
    if (entry.last?.state === 'running') entry.last = memory.last(entry.job);
    const moment: Moment = { now, watchedSince: this.#watchedSince };
    for (;;) {
      const verdict = judge(entry.job, entry, moment);
      if (verdict.do === 'wait')
        entry.lookAt = entry.last?.state === 'running' ? new Date(now.getTime() + strangerMs) : verdict.until;
      if (verdict.do !== 'skip') return verdict;
      memory.skip(entry.job, verdict, now);
      entry.last = memory.last(entry.job);
    }
  }

  #start({ job }: Entry, { due, covers }: Extract<Verdict, { do: 'run' }>): void {
    const over = this.#options.start(job, due, covers).then(() => {
      this.#running.delete(job.name);
      const entry = this.#entries.get(job.name);
      if (entry) {
        entry.last = this.#options.memory.last(job);
        entry.lookAt = this.#options.clock.now();
      }
      this.#wake();
    });
    this.#running.set(job.name, over);
  }

  /** No later than the clock is looked at anyway. */
  #wakeAt(now: Date): Date {
    const isFull = this.#running.size >= this.#atOnce;
    const times = [...this.#entries.values()].flatMap(({ job, lookAt }) =>
      lookAt === undefined || this.#running.has(job.name) || (isFull && lookAt <= now)
        ? []
        : [lookAt.getTime()],
    );
    const { longestSleepMs = usualSleepMs } = this.#options;
    return new Date(Math.min(now.getTime() + longestSleepMs, ...times));
  }
}
