// What mirror jobs have copied: the status of each file, and how far their listings were read.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { explained } from './database.ts';
import type { ErrorReport } from './run.ts';
import { inTransaction } from './transaction.ts';

const mirrorStatuses = ['OK', 'FAIL_READ', 'FAIL_WRITE'] as const;
export type MirrorStatus = (typeof mirrorStatuses)[number];

/** A job's copies in one store; what is remembered of another store says nothing of this one. */
export interface MirrorPlace {
  readonly job: string;
  /** Where the store is. */
  readonly store: string;
}

/** What is in a copy that was found good. */
export interface MirrorCopy {
  readonly sizeBytes: number;
  readonly checksumType: string;
  readonly checksum: string;
}

/** How an attempt to copy a file, or to compare its copy, went. */
export interface MirrorOutcome {
  readonly path: string;
  readonly status: MirrorStatus;
  /** What the listing said of its content, as a text that changes with it. */
  readonly listed: string;
  readonly created?: string | undefined;
  readonly copy?: MirrorCopy | undefined;
  readonly run: string;
  readonly at: Date;
  readonly error?: ErrorReport | undefined;
}

export interface MirrorFile extends MirrorOutcome {
  /** Since it was last OK: 1 for a file that was copied at once. */
  readonly attempts: number;
  readonly firstAt: Date;
  readonly okAt?: Date;
}

export interface ListingState {
  /** Nothing can still appear before it, less the overlap; absent: anything can. */
  readonly settled?: string | undefined;
  /** Positions that were reached, each with the number of the first transaction that had not begun then; oldest first. */
  readonly pending: readonly { readonly next: string; readonly position: string }[];
}

/** Each call is durable when it returns. */
export interface MirrorLedger {
  /** How far this listing was read; nothing of it when another one was read before. */
  listing(place: MirrorPlace, listing: string): ListingState;
  setListing(place: MirrorPlace, listing: string, state: ListingState): void;
  file(place: MirrorPlace, path: string): MirrorFile | undefined;
  /** All of them together. */
  record(place: MirrorPlace, outcomes: readonly MirrorOutcome[]): void;
  /** In the order of their paths, read a few at a time; of one status when it is named. */
  files(place: MirrorPlace, status?: MirrorStatus): Iterable<MirrorFile>;
  /** How many files failed when they were last tried, which was not in this run. */
  failedBefore(place: MirrorPlace, run: string): number;
  /** Forgets failed files that this run, which tried all that are listed, did not meet; returns how many. */
  forgetUnlisted(place: MirrorPlace, run: string): number;
  /** Where copies of the job are. */
  stores(job: string): string[];
}

const pageRows = 500;

export const mirrorLedger = (database: DatabaseSync, path: string): MirrorLedger => {
  const safely = <Result>(work: () => Result): Result => explained(path, work);
  const find = database.prepare('SELECT * FROM mirror_files WHERE job = ? AND store = ? AND path = ?');
  const upsert = database.prepare(upsertSql);
  const page = (place: MirrorPlace, status: MirrorStatus | undefined, after: string): MirrorFile[] =>
    safely(() =>
      database
        .prepare(
          `SELECT * FROM mirror_files WHERE job = ? AND store = ? AND path > ? AND (? IS NULL OR status = ?)
            ORDER BY path LIMIT ${pageRows}`,
        )
        .all(place.job, place.store, after, status ?? null, status ?? null)
        .map(fileOf),
    );
  return {
    listing: ({ job, store }, listing) =>
      safely(() => {
        const row = database
          .prepare('SELECT * FROM mirror_listings WHERE job = ? AND store = ? AND listing = ?')
          .get(job, store, listing);
        return row ? stateOf(row) : { pending: [] };
      }),
    setListing: ({ job, store }, listing, { settled, pending }) =>
      safely(() => {
        database
          .prepare(
            'INSERT OR REPLACE INTO mirror_listings (job, store, listing, settled, pending) VALUES (?, ?, ?, ?, ?)',
          )
          .run(job, store, listing, settled ?? null, JSON.stringify(pending));
      }),
    file: ({ job, store }, name) =>
      safely(() => {
        const row = find.get(job, store, name);
        return row && fileOf(row);
      }),
    record: (place, outcomes) =>
      safely(() =>
        inTransaction(database, () => {
          for (const outcome of outcomes) upsert.run(rowOf(place, outcome));
        }),
      ),
    *files(place, status) {
      for (let after = ''; ; ) {
        const files = page(place, status, after);
        yield* files;
        if (files.length < pageRows) return;
        after = files.at(-1)?.path ?? '';
      }
    },
    failedBefore: ({ job, store }, run) =>
      safely(() =>
        Number(
          database
            .prepare(
              "SELECT count(*) AS count FROM mirror_files WHERE job = ? AND store = ? AND status <> 'OK' AND run <> ?",
            )
            .get(job, store, run)?.count,
        ),
      ),
    forgetUnlisted: ({ job, store }, run) =>
      safely(() =>
        Number(
          database
            .prepare(`DELETE FROM mirror_files WHERE job = ? AND store = ? AND status <> 'OK' AND run <> ?`)
            .run(job, store, run).changes,
        ),
      ),
    stores: (job) =>
      safely(() =>
        database
          .prepare('SELECT DISTINCT store FROM mirror_files WHERE job = ? ORDER BY store')
          .all(job)
          .map(({ store }) => String(store)),
      ),
  };
};

const upsertSql = `
INSERT INTO mirror_files (job, store, path, status, listed, created, size_bytes, checksum_type, checksum,
    attempts, run, first_ms, last_ms, ok_ms, error_code, error_message)
  VALUES (:job, :store, :path, :status, :listed, :created, :size_bytes, :checksum_type, :checksum,
    1, :run, :at_ms, :at_ms, :ok_ms, :error_code, :error_message)
ON CONFLICT (job, store, path) DO UPDATE SET
  attempts = CASE WHEN status = 'OK' THEN 1 ELSE attempts + 1 END,
  status = :status, listed = :listed, created = :created, size_bytes = :size_bytes,
  checksum_type = :checksum_type, checksum = :checksum, run = :run, last_ms = :at_ms,
  ok_ms = coalesce(:ok_ms, ok_ms), error_code = :error_code, error_message = :error_message`;

const rowOf = ({ job, store }: MirrorPlace, outcome: MirrorOutcome) => ({
  job,
  store,
  path: outcome.path,
  status: outcome.status,
  listed: outcome.listed,
  created: outcome.created ?? null,
  size_bytes: outcome.copy?.sizeBytes ?? null,
  checksum_type: outcome.copy?.checksumType ?? null,
  checksum: outcome.copy?.checksum ?? null,
  run: outcome.run,
  at_ms: outcome.at.getTime(),
  ok_ms: outcome.status === 'OK' ? outcome.at.getTime() : null,
  error_code: outcome.error?.code ?? null,
  error_message: outcome.error?.message ?? null,
});

type Row = Record<string, SQLOutputValue>;

const pendingSchema = z.array(z.strictObject({ next: z.string(), position: z.string() }));
const listingRow = z.object({ settled: z.string().nullable(), pending: z.string() });

const stateOf = (row: Row): ListingState => {
  const { settled, pending } = listingRow.parse(row);
  return {
    ...(settled !== null && { settled }),
    pending: pendingSchema.parse(JSON.parse(pending)),
  };
};

const text = z.string().nullable();

const fileRow = z.object({
  path: z.string(),
  status: z.enum(mirrorStatuses),
  listed: z.string(),
  created: text,
  size_bytes: z.number().nullable(),
  checksum_type: text,
  checksum: text,
  attempts: z.number(),
  run: z.string(),
  first_ms: z.number(),
  last_ms: z.number(),
  ok_ms: z.number().nullable(),
  error_code: text,
  error_message: text,
});

const fileOf = (row: Row): MirrorFile => {
  const found = fileRow.parse(row);
  const { path, status, listed, attempts, run, created, size_bytes, checksum_type, checksum } = found;
  return {
    ...{ path, status, listed, attempts, run },
    ...(created !== null && { created }),
    ...(size_bytes !== null &&
      checksum_type !== null &&
      checksum !== null && { copy: { sizeBytes: size_bytes, checksumType: checksum_type, checksum } }),
    at: new Date(found.last_ms),
    firstAt: new Date(found.first_ms),
    ...(found.ok_ms !== null && { okAt: new Date(found.ok_ms) }),
    ...(found.error_code !== null && {
      error: { code: found.error_code, message: found.error_message ?? '' },
    }),
  };
};
