// What receivers have taken in last, so that their lag is known without asking them.
import type { DatabaseSync } from 'node:sqlite';
import { explained } from './database.ts';

export interface Received {
  readonly job: string;
  /** As the sender calls it. */
  readonly source: string;
  /** The source of this configuration that it went into. */
  readonly target: string;
  readonly snapshot: string;
  readonly whole: boolean;
  /** When the sender was as the receiver is now. */
  readonly takenAt: Date;
  readonly receivedAt: Date;
}

export interface ReceivedLedger {
  /** Durable when it returns. */
  record(received: Received): void;
  /** The last of each job and target, by their names. */
  all(): Received[];
}

export const receivedLedger = (database: DatabaseSync, path: string): ReceivedLedger => ({
  record: ({ job, source, target, snapshot, whole, takenAt, receivedAt }) =>
    explained(path, () => {
      database
        .prepare('INSERT OR REPLACE INTO received VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(job, source, target, snapshot, whole ? 1 : 0, takenAt.getTime(), receivedAt.getTime());
    }),
  all: () =>
    explained(path, () =>
      database
        .prepare('SELECT * FROM received ORDER BY job, target')
        .all()
        .map((row) => ({
          job: String(row.job),
          source: String(row.source),
          target: String(row.target),
          snapshot: String(row.snapshot),
          whole: row.whole === 1,
          takenAt: new Date(Number(row.taken_ms)),
          receivedAt: new Date(Number(row.received_ms)),
        })),
    ),
});
