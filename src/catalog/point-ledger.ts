// The table of restore points that were drilled as a whole.
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { explained } from './database.ts';
import { differedIn, queryRecords } from './drill-ledger.ts';
import type { DrilledPoint, PointLedger, PointProof } from './drilled-point.ts';
import { errorColumns, errorIn } from './error-columns.ts';
import { errorRow } from './error-row.ts';
import { insertRow } from './insert-row.ts';

/** Those of the catalog in that file. */
export const pointLedger = (database: DatabaseSync, path: string): PointLedger => {
  const select = (rest: string, ...values: readonly SQLInputValue[]): DrilledPoint[] =>
    explained(path, () =>
      database
        .prepare(`SELECT * FROM drilled_points ${rest}`)
        .all(...values)
        .map(pointOf),
    );
  return {
    add: (point) => explained(path, () => insert(database, point)),
    list: ({ since, until }) =>
      select(
        'WHERE started_ms >= ? AND started_ms < ? ORDER BY started_ms, run',
        since?.getTime() ?? 0,
        until?.getTime() ?? Number.MAX_SAFE_INTEGER,
      ),
    of: (run) => select('WHERE run = ?', run)[0],
    proofs: () => proofsOf(select('ORDER BY job, repository, started_ms, run')),
  };
};

const proofsOf = (points: readonly DrilledPoint[]): PointProof[] =>
  [...Map.groupBy(points, ({ job, repository }) => JSON.stringify([job, repository])).values()].flatMap(
    (own): PointProof[] => {
      const last = own.at(-1);
      const proven = own.findLast(({ state }) => state === 'passed');
      if (last === undefined) return [];
      const differed = differedIn(own);
      return [
        { last: toldOf(last), ...(proven && { proven: provenBy(proven) }), ...(differed && { differed }) },
      ];
    },
  );

const toldOf = ({ run, job, repository, state, startedAt }: DrilledPoint): PointProof['last'] => ({
  ...{ run, job, repository, state, startedAt },
});

const provenBy = ({
  point,
  pointTime,
  endedAt,
  sources,
  queries,
}: DrilledPoint): Required<PointProof>['proven'] => ({
  ...{ point, pointTime, endedAt, sources: sources.length, queries: queries.length },
});

const insert = (database: DatabaseSync, point: DrilledPoint): void => {
  const { run, job, repository, state, error } = point;
  const row = {
    ...{ run, job, repository, point: point.point, point_ms: point.pointTime.getTime() },
    sources: JSON.stringify(point.sources),
    started_ms: point.startedAt.getTime(),
    ended_ms: point.endedAt.getTime(),
    state,
    queries: JSON.stringify(point.queries),
    ...errorRow(error),
  };
  insertRow(database, 'drilled_points', row);
};

const text = z.string();
const time = z.number().transform((ms) => new Date(ms));

const pointRow = z.object({
  run: text,
  job: text,
  repository: text,
  point: text,
  point_ms: time,
  sources: text,
  started_ms: time,
  ended_ms: time,
  state: z.enum(['passed', 'differs', 'failed']),
  queries: text,
  ...errorColumns,
});

const pointOf = (row: Record<string, SQLOutputValue>): DrilledPoint => {
  const { run, job, repository, point, state, ...found } = pointRow.parse(row);
  return {
    ...{ run, job, repository, point, state },
    pointTime: found.point_ms,
    sources: z.array(text).parse(JSON.parse(found.sources)),
    startedAt: found.started_ms,
    endedAt: found.ended_ms,
    queries: queryRecords.parse(JSON.parse(found.queries)),
    ...errorIn(found),
  };
};
