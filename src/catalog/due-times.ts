// What became of the due times of jobs. The daemon lives with this part of the catalog alone, so it loads little.
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '#lib/clock.ts';
import { mayBeAlive, thisProcess } from '#lib/process-identity.ts';
import { explained, openDatabase } from './database.ts';
import { errorReport } from './run.ts';
import { inTransaction } from './transaction.ts';
import { endRun, insertRun } from './write.ts';
import { latestMsAt } from './wrong-clock.ts';

/** The newest due time of a job that was dealt with. */
export interface DueRecord {
  readonly due: Date;
  readonly covers: number;
  /** 'unfinished': its process was killed, or it was cancelled and is wanted again. */
  readonly state: 'running' | 'done' | 'unfinished';
  readonly attempts: number;
  readonly endedAt?: Date;
}

/** A due time that gets no run, and the error that says why. */
export interface NoRun {
  readonly job: string;
  readonly verb: string;
  readonly due: Date;
  readonly covers: number;
  readonly state: 'skipped' | 'failed';
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

export interface DueTimes extends Disposable {
  /** Since when the job has had this schedule; undefined when it is new. */
  since(job: string, schedule: string): Date | undefined;
  /** From now on the job has this schedule. */
  begin(job: string, schedule: string, now: Date): void;
  last(job: string): DueRecord | undefined;
  /** Remembers a due time as a run that nothing was begun of. */
  remember(noRun: NoRun, now: Date): void;
  /** If what runs now is cancelled, or what had the newest due time just was, its due times want another run. */
  wantAgain(jobs: readonly string[]): void;
}

/**
 * Opens this part of the catalog. `warn` is told when a damaged one was moved aside. With a clock, what is dated more than a day
 * in the future counts for nothing: else a job would not run again before that day has come.
 */
export const openDueTimes = (
  path: string,
  warn: (text: string) => void,
  clock?: Pick<Clock, 'now'>,
): DueTimes => {
  const database = openDatabase(path, warn);
  const latestMs = (): number => (clock ? latestMsAt(clock.now()) : Number.MAX_SAFE_INTEGER);
  return {
    since: (job, schedule) => explained(path, () => sinceOf(database, job, schedule, latestMs())),
    begin: (job, schedule, now) => explained(path, () => beginSchedule(database, job, schedule, now)),
    last: (job) => explained(path, () => lastOf(database, job, latestMs())),
    remember: (noRun, now) =>
      explained(path, () => inTransaction(database, () => rememberNoRun(database, noRun, now))),
    wantAgain: (jobs) =>
      explained(path, () => {
        const wanted = database.prepare(
          `UPDATE runs SET again = 1 WHERE job = ?1 AND (state = 'running'
             OR state = 'cancelled' AND due_ms = (SELECT max(due_ms) FROM runs WHERE job = ?1 AND due_ms <= ?2))`,
        );
        for (const job of jobs) wanted.run(job, latestMs());
      }),
    [Symbol.dispose]: () => database.close(),
  };
};

const sinceOf = (
  database: DatabaseSync,
  job: string,
  schedule: string,
  latestMs: number,
): Date | undefined => {
  const row = database
    .prepare('SELECT since_ms FROM schedules WHERE job = ? AND schedule = ? AND since_ms <= ?')
    .get(job, schedule, latestMs);
  return row && new Date(Number(row.since_ms));
};

const beginSchedule = (database: DatabaseSync, job: string, schedule: string, now: Date): void => {
  database
    .prepare(
      `INSERT INTO schedules (job, schedule, since_ms) VALUES (?, ?, ?)
       ON CONFLICT (job) DO UPDATE SET schedule = excluded.schedule, since_ms = excluded.since_ms`,
    )
    .run(job, schedule, now.getTime());
};

const lastOf = (database: DatabaseSync, job: string, latestMs: number): DueRecord | undefined => {
  const rows = database
    .prepare(
      `SELECT due_ms, covers, state, again, ended_ms, host, pid, process_started FROM runs
       WHERE job = ?1 AND due_ms = (SELECT max(due_ms) FROM runs WHERE job = ?1 AND due_ms <= ?2) ORDER BY started_ms DESC, id DESC`,
    )
    .all(job, latestMs);
  const [newest] = rows;
  if (newest === undefined) return undefined;
  const done = rows.find(({ state, again }) => isDone(String(state), again === 1));
  const { due_ms, covers, ended_ms } = done ?? newest;
  const begin = { due: new Date(Number(due_ms)), covers: Number(covers), attempts: rows.length };
  if (done) return { ...begin, state: 'done', endedAt: new Date(Number(ended_ms)) };
  return { ...begin, state: rows.some(isRunning) ? 'running' : 'unfinished' };
};

const isDone = (state: string, again: boolean): boolean =>
  state === 'cancelled' ? !again : state !== 'running';

const isRunning = ({ state, host, pid, process_started }: Readonly<Record<string, unknown>>): boolean =>
  state === 'running' &&
  mayBeAlive({ host: String(host), pid: Number(pid), started: String(process_started) });

const rememberNoRun = (
  database: DatabaseSync,
  { job, verb, due, covers, state, error }: NoRun,
  now: Date,
): void => {
  const id = insertRun(database, { job, verb, startedAt: now, due, covers }, thisProcess());
  endRun(database, id, {
    state,
    endedAt: now,
    exitStatus: state === 'skipped' ? 0 : 1,
    bytes: 0,
    items: 0,
    itemsFailed: 0,
    error: { ...error, message: errorReport(error.message).message },
  });
};
