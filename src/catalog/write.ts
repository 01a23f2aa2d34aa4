// How runs enter the catalog.
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '#lib/errors.ts';
import type { ProcessIdentity } from '#lib/process-identity.ts';
import { errorRow } from './error-row.ts';
import { insertRow } from './insert-row.ts';
import type { ItemRecord, NewRun, RunEnd, SourceRecord } from './run.ts';
import { newRunId } from './run-id.ts';
import { inTransaction } from './transaction.ts';

/** Items that went well are remembered for so many runs of a job; those that failed, for ever. */
const runsWithItems = 30;

export const insertRun = (database: DatabaseSync, run: NewRun, process: ProcessIdentity): string => {
  for (;;) {
    const id = newRunId(run.startedAt);
    const { changes } = insertRow(
      database,
      'runs',
      {
        id,
        job: run.job ?? null,
        verb: run.verb,
        due_ms: run.due?.getTime() ?? null,
        covers: run.covers ?? 1,
        started_ms: run.startedAt.getTime(),
        state: 'running',
        host: process.host,
        pid: process.pid,
        process_started: process.started,
      },
      'ON CONFLICT DO NOTHING',
    );
    if (changes === 0) continue;
    for (const order of run.orders ?? []) database.prepare(ofOrderSql).run(id, order);
    return id;
  }
};

/** One that was forgotten meanwhile is nobody's question any more. */
const ofOrderSql = 'INSERT INTO order_runs SELECT ?, id FROM orders WHERE id = ?';

export const insertSource = (database: DatabaseSync, run: string, record: SourceRecord): void => {
  insertRow(database, 'run_sources', {
    run,
    source: record.source,
    kind: record.kind,
    repository: record.repository,
    state: record.state,
    duration_ms: Math.round(record.durationMs),
    snapshot: record.snapshot ?? null,
    files: record.files,
    bytes: record.bytes,
    bytes_stored: record.bytesStored,
    items_failed: record.itemsFailed,
    ...errorRow(record.error),
  });
};

/** All of them in one transaction. */
export const insertItems = (
  database: DatabaseSync,
  items: readonly (readonly [run: string, item: ItemRecord])[],
): void =>
  inTransaction(database, () => {
    for (const [run, { source, item, bytes, rows, error }] of items)
      insertRow(database, 'run_items', {
        run,
        source,
        item: item.toWellFormed(),
        state: error ? 'failed' : 'ok',
        bytes,
        rows: rows ?? null,
        ...errorRow(error),
      });
  });

export const endRun = (database: DatabaseSync, run: string, end: RunEnd): void => {
  const error = errorRow(end.error);
  const { changes } = database
    .prepare(
      `UPDATE runs SET state = ?, ended_ms = ?, exit_status = ?, bytes = ?, items = ?, items_failed = ?,
         error_code = ?, error_message = ?, error_hint = ?
       WHERE id = ? AND state = 'running'`,
    )
    .run(
      end.state,
      end.endedAt.getTime(),
      end.exitStatus,
      end.bytes,
      end.items,
      end.itemsFailed,
      error.error_code,
      error.error_message,
      error.error_hint,
      run,
    );
  if (changes !== 1) throw new HoldfastError('FAILED', `the catalog has no running run ${run}`);
};

/** Without this a nightly backup of ten thousand tables would fill the disk with good news. */
export const forgetOldItems = (database: DatabaseSync, run: string): void => {
  database
    .prepare(
      `DELETE FROM run_items WHERE state = 'ok' AND run IN (
         SELECT older.id FROM runs older JOIN runs this ON older.job IS this.job AND older.verb = this.verb
         WHERE this.id = ? ORDER BY older.started_ms DESC LIMIT -1 OFFSET ?)`,
    )
    .run(run, runsWithItems);
};
