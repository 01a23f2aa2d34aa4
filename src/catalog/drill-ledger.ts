// The table of drills.
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import { mayBeAlive, type ProcessIdentity } from '#lib/process-identity.ts';
import { explained } from './database.ts';
import type { Differed, Drill, DrillEnd, DrillLedger, NewDrill, Proof } from './drill.ts';
import { errorColumns, errorIn } from './error-columns.ts';
import { errorRow } from './error-row.ts';
import { insertRow } from './insert-row.ts';

/** The drills of the catalog in that file. */
export const drillLedger = (database: DatabaseSync, path: string, process: ProcessIdentity): DrillLedger => {
  const select = (rest: string, ...values: readonly SQLInputValue[]): Drill[] =>
    explained(path, () =>
      database
        .prepare(`SELECT * FROM drills ${rest}`)
        .all(...values)
        .map(drillOf),
    );
  return {
    begin: (drill) => explained(path, () => insert(database, drill, process)),
    end: (id, end) => explained(path, () => update(database, id, end)),
    removed: (id) =>
      explained(path, () => void database.prepare('UPDATE drills SET removed = 1 WHERE id = ?').run(id)),
    leftovers: () =>
      select('WHERE removed = 0 ORDER BY started_ms').filter(({ state }) => state !== 'running'),
    list: ({ since, until }) =>
      select(
        'WHERE started_ms >= ? AND started_ms < ? ORDER BY started_ms, id',
        since?.getTime() ?? 0,
        until?.getTime() ?? Number.MAX_SAFE_INTEGER,
      ),
    proofs: () => proofsOf(select('ORDER BY started_ms, id')),
  };
};

const proofsOf = (drills: readonly Drill[]): Proof[] =>
  [...Map.groupBy(drills, ({ source, repository }) => JSON.stringify([source, repository])).values()]
    .flatMap((own): Proof[] => {
      const last = own.at(-1);
      if (last === undefined) return [];
      const { source, repository } = last;
      const passed = own.findLast(({ state }) => state === 'passed');
      const proven = passed &&
        'endedAt' in passed && {
          at: passed.endedAt,
          restoreMs: passed.restoreMs ?? 0,
          snapshotTime: passed.snapshotTime,
        };
      const differed = differedIn(own.filter((drill) => 'endedAt' in drill));
      return [{ source, repository, last, ...(proven && { proven }), ...(differed && { differed }) }];
    })
    .toSorted((a, b) => a.source.localeCompare(b.source) || a.repository.localeCompare(b.repository));

/** Of drills of the same, oldest first, all that have ended: what the last one did not ask. */
export const differedIn = (
  ended: readonly (Pick<DrillEnd, 'endedAt' | 'queries'> & Pick<NewDrill, 'run'>)[],
): Differed | undefined => {
  const asked = ended.findLast(({ queries }) => queries.length > 0);
  if (asked === undefined || asked === ended.at(-1) || asked.queries.every(({ passed }) => passed)) return;
  return { run: asked.run, at: asked.endedAt };
};

const insert = (database: DatabaseSync, drill: NewDrill, process: ProcessIdentity): void => {
  const row = {
    id: drill.id,
    run: drill.run,
    source: drill.source,
    kind: drill.kind,
    repository: drill.repository,
    snapshot: drill.snapshot,
    snapshot_ms: drill.snapshotTime.getTime(),
    scratch: drill.scratch,
    location: drill.location,
    folder: drill.folder,
    started_ms: drill.startedAt.getTime(),
    state: 'running',
    host: process.host,
    pid: process.pid,
    process_started: process.started,
  };
  insertRow(database, 'drills', row);
};

const update = (database: DatabaseSync, id: string, end: DrillEnd): void => {
  const { firstDifferences, notes, queries, error } = end;
  const row = {
    state: end.state,
    ended_ms: end.endedAt.getTime(),
    restore_ms: end.restoreMs === undefined ? null : Math.round(end.restoreMs),
    entries: end.entries,
    bytes: end.bytes,
    tables: end.tables,
    rows: end.rows,
    definitions: end.definitions,
    differences: end.differences,
    details: JSON.stringify({ firstDifferences, notes, queries }),
    ...errorRow(error),
  };
  const { changes } = database
    .prepare(
      `UPDATE drills SET ${Object.keys(row).map((column) => `${column} = :${column}`)}
        WHERE id = :id AND state = 'running'`,
    )
    .run({ ...row, id });
  if (changes !== 1) throw new HoldfastError('FAILED', `the catalog has no running drill ${id}`);
};

const text = z.string();
const count = z.number();

const drillRow = z.object({
  id: text,
  run: text,
  source: text,
  kind: text,
  repository: text,
  snapshot: text,
  snapshot_ms: count,
  scratch: text,
  location: text,
  folder: text,
  removed: count,
  started_ms: count,
  ended_ms: count.nullable(),
  state: z.enum(['running', 'passed', 'differs', 'failed', 'cancelled']),
  restore_ms: count.nullable(),
  entries: count,
  bytes: count,
  tables: count,
  rows: count,
  definitions: count,
  differences: count,
  details: text,
  ...errorColumns,
  host: text,
  pid: count,
  process_started: text,
});

/** As JSON has them in a column. */
export const queryRecords = z.array(
  z.object({ query: text, expected: text, found: text, passed: z.boolean() }),
);

const detailsSchema = z.object({
  firstDifferences: z.array(text).default([]),
  notes: z.array(text).default([]),
  queries: queryRecords.default([]),
});

const drillOf = (row: Record<string, SQLOutputValue>): Drill => {
  const found = drillRow.parse(row);
  const { id, run, source, kind, repository, snapshot, scratch, location, folder } = found;
  const process = { host: found.host, pid: found.pid, started: found.process_started };
  const begin = {
    ...{ id, run, source, kind, repository, snapshot, scratch, location, folder, process },
    snapshotTime: new Date(found.snapshot_ms),
    startedAt: new Date(found.started_ms),
    removed: found.removed === 1,
  };
  if (found.state === 'running') return { ...begin, state: mayBeAlive(process) ? 'running' : 'interrupted' };
  const { state, entries, bytes, tables, rows, definitions, differences } = found;
  return {
    ...begin,
    ...{ state, entries, bytes, tables, rows, definitions, differences },
    endedAt: new Date(found.ended_ms ?? found.started_ms),
    ...(found.restore_ms !== null && { restoreMs: found.restore_ms }),
    ...detailsSchema.parse(JSON.parse(found.details)),
    ...errorIn(found),
  };
};
