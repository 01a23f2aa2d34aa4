// What drills found, as their user reads it.
import { type DrillRun, whenItDiffers } from '#jobs/drill/drill.ts';
import type { DrillReport } from '#jobs/drill/snapshot.ts';
import type { DrillOutcome } from '#jobs/drill/subjects.ts';
import { hintOf, messageOf } from '#lib/errors.ts';
import { formatBytes, formatCount, formatDuration, plural, printable, shortId } from '#lib/format.ts';
import { errorFields } from './job-report.ts';
import type { Output } from './output.ts';
import { pointFields, reportPoint, sayQueries } from './point-report.ts';

/** Shows the evidence of each drill, or why there is none, and then of the restore point that they are of. */
export const reportDrills = (output: Output, { outcomes, point }: DrillRun): void => {
  for (const outcome of outcomes) reportDrill(output, outcome);
  if (point) reportPoint(output, point, outcomes);
};

const reportDrill = (output: Output, outcome: DrillOutcome): void => {
  output.progressDone();
  const { source } = outcome;
  if ('error' in outcome) {
    const { error } = outcome;
    const hint = hintOf(error);
    output.failure(
      { message_type: 'drill_failed', source, ...errorFields(error) },
      `${source}: not drilled: ${messageOf(error)}`,
      hint,
    );
    return;
  }
  const { report } = outcome;
  for (const text of report.notes)
    output.say({ message_type: 'note', source, text }, `${source}: note: ${printable(text)}`);
  for (const text of report.firstDifferences)
    output.failure({ message_type: 'difference', source, text }, `${source}: ${printable(text)}`);
  sayQueries(output, source, report.queries, { source });
  sayVerdict(output, report);
};

const sayVerdict = (output: Output, report: DrillReport): void => {
  const { source, snapshot, state, differences, error } = report;
  const message = { message_type: 'drilled', ...reportFields(report) };
  const of = `${source}: snapshot ${shortId(snapshot)}`;
  if (state === 'passed')
    output.say(
      message,
      `${of} is proven: restored in ${formatDuration(report.restoreMs ?? 0)} and found the same (${contentsOf(report)})`,
    );
  else if (state === 'differs' && differences === 0)
    output.failure(
      message,
      `${of} came back as it was captured, and ${plural(wrongAnswers(report), 'query', 'queries')} did not find what was expected`,
      whenItDiffers(report),
    );
  else if (state === 'differs') {
    const untold = differences - report.firstDifferences.length;
    const more = untold > 0 ? `, ${formatCount(untold)} more than are named` : '';
    output.failure(message, `${of} DIFFERS from what was captured${more}`, whenItDiffers(report));
  } else output.failure(message, `${of} could not be drilled: ${error?.message ?? state}`, error?.hint);
};

const wrongAnswers = ({ queries }: DrillReport): number => queries.filter(({ passed }) => !passed).length;

const contentsOf = ({ entries, bytes, tables, rows, definitions, queries }: DrillReport): string =>
  [
    `${plural(entries, 'entry', 'entries')}, ${formatBytes(bytes)}`,
    ...(tables > 0 ? [`${plural(tables, 'table')}, ${plural(rows, 'row')}`] : []),
    ...(definitions > 0 ? [plural(definitions, 'definition')] : []),
    ...(queries.length > 0 ? [plural(queries.length, 'query', 'queries')] : []),
  ].join(', ');

/** A run of drills in --json. */
export const drillFields = (run: DrillRun): Record<string, unknown> => ({
  state: run.state,
  status: run.status,
  run: run.id,
  drills: run.outcomes.map((outcome) =>
    'report' in outcome
      ? reportFields(outcome.report)
      : { source: outcome.source, state: 'failed', ...errorFields(outcome.error) },
  ),
  ...(run.point && { point: pointFields(run.point) }),
});

const reportFields = (report: DrillReport): Record<string, unknown> => ({
  drill: report.id,
  source: report.source,
  kind: report.kind,
  repository: report.repository,
  snapshot_id: report.snapshot,
  state: report.state,
  restore_ms: report.restoreMs,
  entries: report.entries,
  bytes: report.bytes,
  tables: report.tables,
  rows: report.rows,
  definitions: report.definitions,
  differences: report.differences,
  queries: report.queries.length,
  queries_failed: report.queries.filter(({ passed }) => !passed).length,
  ...(report.error && { error: report.error.code, message: report.error.message, hint: report.error.hint }),
});
