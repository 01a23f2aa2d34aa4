// What receivers have taken in last, and why they do not take in more, so that their lag is known without asking them.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { explained } from './database.ts';
import type { ErrorReport } from './run.ts';

/** One source that a job receives. */
export interface ReceiverName {
  readonly job: string;
  /** The source of this configuration that it goes into. */
  readonly target: string;
}

export interface Received extends ReceiverName {
  /** As the sender calls it. */
  readonly source: string;
  readonly snapshot: string;
  readonly whole: boolean;
  /** When the sender was as the receiver is now. */
  readonly takenAt: Date;
  /** When it was met there first. */
  readonly receivedAt: Date;
}

/** Turns in a row that failed. */
export interface ReceiveFailure extends ReceiverName {
  /** When the first of them did. */
  readonly since: Date;
  /** Why the last one did. */
  readonly error: ErrorReport;
}

/** What is written is durable when the call returns. */
export interface ReceivedLedger {
  record(received: Received): void;
  /** How a turn went: with an error, or well, which ends all failures before it. */
  recordTurn(receiver: ReceiverName, at: Date, error: ErrorReport | undefined): void;
  /** The last of each job and target, by their names. */
  all(): Received[];
  /** Of those whose last turn failed. */
  failures(): ReceiveFailure[];
}

export const receivedLedger = (database: DatabaseSync, path: string): ReceivedLedger => {
  const rowsOf = (table: string): Record<string, SQLOutputValue>[] =>
    explained(path, () => database.prepare(`SELECT * FROM ${table} ORDER BY job, target`).all());
  return {
    record: ({ job, source, target, snapshot, whole, takenAt, receivedAt }) =>
      explained(path, () => {
        database
          .prepare('INSERT OR REPLACE INTO received VALUES (?, ?, ?, ?, ?, ?, ?)')
          .run(job, source, target, snapshot, whole ? 1 : 0, takenAt.getTime(), receivedAt.getTime());
      }),
    recordTurn: ({ job, target }, at, error) =>
      explained(path, () => {
        if (error === undefined)
          database.prepare('DELETE FROM receive_failures WHERE job = ? AND target = ?').run(job, target);
        else
          database
            .prepare(failureSql)
            .run(job, target, at.getTime(), error.code, error.message, error.hint ?? null);
      }),
    all: () =>
      rowsOf('received').map((row) => ({
        ...nameOf(row),
        source: String(row.source),
        snapshot: String(row.snapshot),
        whole: row.whole === 1,
        takenAt: new Date(Number(row.taken_ms)),
        receivedAt: new Date(Number(row.received_ms)),
      })),
    failures: () =>
      rowsOf('receive_failures').map((row) => ({
        ...nameOf(row),
        since: new Date(Number(row.since_ms)),
        error: {
          code: String(row.error_code),
          message: String(row.error_message),
          ...(row.error_hint !== null && { hint: String(row.error_hint) }),
        },
      })),
  };
};

const failureSql = `INSERT INTO receive_failures VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  error_code = excluded.error_code, error_message = excluded.error_message, error_hint = excluded.error_hint`;

const nameOf = (row: Record<string, SQLOutputValue>): ReceiverName => ({
  job: String(row.job),
  target: String(row.target),
});
