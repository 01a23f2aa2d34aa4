// What the catalog tells of runs.
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import { mayBeAlive } from '#lib/process-identity.ts';
import { errorColumns, errorIn } from './error-columns.ts';
import type { ItemRecord, JobStatus, Run, RunDetails, SourceRecord } from './run.ts';

export const listRuns = (
  database: DatabaseSync,
  { job, limit = 50 }: { readonly job?: string; readonly limit?: number },
): Run[] =>
  query(
    database,
    `${selectRuns} WHERE ?1 IS NULL OR job = ?1 ${newestFirst} LIMIT ?2`,
    job ?? null,
    limit,
  ).map(runOf);

export const listRunsFor = (database: DatabaseSync, job: string, due: Date): Run[] =>
  query(database, `${selectRuns} WHERE job = ? AND due_ms = ? ${newestFirst}`, job, due.getTime()).map(runOf);

/** Those that an order asked for, in the order in which they began. */
export const runsOfOrder = (database: DatabaseSync, order: string): Run[] =>
  query(
    database,
    `${selectRuns} WHERE id IN (SELECT run FROM order_runs WHERE order_id = ?) ORDER BY rowid`,
    order,
  ).map(runOf);

const selectRuns = `SELECT *, (SELECT json_group_array(order_id) FROM order_runs WHERE run = id) AS orders FROM runs`;
const newestFirst = 'ORDER BY started_ms DESC, id DESC';

export const findRun = (database: DatabaseSync, id: string): RunDetails => {
  const run = id === 'latest' ? listRuns(database, { limit: 1 })[0] : onlyRun(database, id);
  if (!run) throw noRun('there are no runs yet');
  const of = (table: string) =>
    query(database, `SELECT * FROM ${table} WHERE run = ? ORDER BY rowid`, run.id);
  return { run, sources: of('run_sources').map(sourceOf), items: of('run_items').map(itemOf) };
};

/** The last run is the one that was begun last, whatever a clock that went wrong said then. */
export const jobStatuses = (database: DatabaseSync): JobStatus[] =>
  query(database, 'SELECT DISTINCT job FROM runs WHERE job IS NOT NULL ORDER BY job').flatMap((row) => {
    const job = String(row.job);
    const [last] = query(
      database,
      `${selectRuns} WHERE job = ? ORDER BY state = 'skipped', rowid DESC LIMIT 1`,
      job,
    ).map(runOf);
    const [success] = query(
      database,
      `${selectRuns} WHERE job = ? AND state = 'succeeded' ORDER BY rowid DESC LIMIT 1`,
      job,
    );
    return last ? [{ job, last, ...(success && { lastSuccess: runOf(success) }) }] : [];
  });

const onlyRun = (database: DatabaseSync, prefix: string): Run => {
  const found = query(
    database,
    `${selectRuns} WHERE substr(id, 1, length(?1)) = ?1 ${newestFirst} LIMIT 4`,
    prefix,
  );
  const exact = found.find((row) => row.id === prefix);
  const [first, second] = found;
  if (!first) throw noRun(`no run's id begins with "${prefix}"`);
  if (second && !exact)
    throw noRun(`several runs begin with "${prefix}": ${found.map((row) => row.id).join(', ')}`);
  return runOf(exact ?? first);
};

const noRun = (message: string): HoldfastError =>
  new HoldfastError('USAGE', message, { hint: '"holdfast runs" lists them' });

type Row = Record<string, SQLOutputValue>;

const query = (database: DatabaseSync, sql: string, ...values: readonly SQLInputValue[]): Row[] =>
  database.prepare(sql).all(...values);

const text = z.string();
const count = z.number();

const runRow = z.object({
  id: text,
  job: text.nullable(),
  verb: text,
  due_ms: count.nullable(),
  covers: count,
  started_ms: count,
  ended_ms: count.nullable(),
  state: z.enum(['running', 'succeeded', 'partial', 'failed', 'cancelled', 'skipped']),
  exit_status: count.nullable(),
  bytes: count,
  items: count,
  items_failed: count,
  host: text,
  pid: count,
  process_started: text,
  orders: text.transform((list) => z.array(text).parse(JSON.parse(list))),
  ...errorColumns,
});

const runOf = (row: Row): Run => {
  const found = runRow.parse(row);
  const process = { host: found.host, pid: found.pid, started: found.process_started };
  const begin = {
    id: found.id,
    ...(found.job !== null && { job: found.job }),
    verb: found.verb,
    startedAt: new Date(found.started_ms),
    ...(found.due_ms !== null && { due: new Date(found.due_ms), covers: found.covers }),
    ...(found.orders.length > 0 && { orders: found.orders }),
    process,
  };
  if (found.state === 'running') return { ...begin, state: mayBeAlive(process) ? 'running' : 'interrupted' };
  return {
    ...begin,
    state: found.state,
    endedAt: new Date(found.ended_ms ?? found.started_ms),
    exitStatus: found.exit_status ?? 0,
    bytes: found.bytes,
    items: found.items,
    itemsFailed: found.items_failed,
    ...errorIn(found),
  };
};

const sourceRow = z.object({
  source: text,
  kind: text,
  repository: text,
  state: z.enum(['ok', 'partial', 'failed', 'skipped']),
  duration_ms: count,
  snapshot: text.nullable(),
  files: count,
  bytes: count,
  bytes_stored: count,
  items_failed: count,
  ...errorColumns,
});

const sourceOf = (row: Row): SourceRecord => {
  const found = sourceRow.parse(row);
  return {
    source: found.source,
    kind: found.kind,
    repository: found.repository,
    state: found.state,
    durationMs: found.duration_ms,
    ...(found.snapshot !== null && { snapshot: found.snapshot }),
    files: found.files,
    bytes: found.bytes,
    bytesStored: found.bytes_stored,
    itemsFailed: found.items_failed,
    ...errorIn(found),
  };
};

const itemRow = z.object({ source: text, item: text, bytes: count, rows: count.nullable(), ...errorColumns });

const itemOf = (row: Row): ItemRecord => {
  const found = itemRow.parse(row);
  const { source, item, bytes, rows } = found;
  return { source, item, bytes, ...(rows !== null && { rows }), ...errorIn(found) };
};
