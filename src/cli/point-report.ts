// Restore points that were drilled as a whole, as their user reads them.
import type { QueryRecord } from '#catalog/drill.ts';
import type { DrilledPoint } from '#catalog/drilled-point.ts';
import { whenAcrossDiffers } from '#jobs/drill/point.ts';
import { type DrillOutcome, hasPassed } from '#jobs/drill/subjects.ts';
import { formatTime, plural, printable } from '#lib/format.ts';
import type { Output } from './output.ts';

/** Shows the evidence of a restore point beside that of its sources, which is shown already. */
export const reportPoint = (output: Output, point: DrilledPoint, outcomes: readonly DrillOutcome[]): void => {
  const { job, state, queries, error } = point;
  sayQueries(output, job, queries, { job });
  const message = { message_type: 'point_drilled', ...pointFields(point) };
  const of = `${job}: restore point ${point.point}, of ${formatTime(point.pointTime)},`;
  const unproven = outcomes.filter((outcome) => !hasPassed(outcome)).map(({ source }) => source);
  const wrong = queries.filter(({ passed }) => !passed).length;
  const why = [
    ...(unproven.length > 0 ? [`see ${unproven.join(', ')}`] : []),
    ...(wrong > 0
      ? [`${plural(wrong, 'query', 'queries')} across its sources did not find what was expected`]
      : []),
    ...(error ? [`its sources could not be asked together: ${error.message}`] : []),
  ].join('; ');
  if (state === 'passed')
    output.say(message, `${of} is proven as a whole (${wholeOf(point.sources.length, queries.length)})`);
  else
    output.failure(
      message,
      `${of} is not proven as a whole: ${why}`,
      wrong > 0 ? whenAcrossDiffers : error?.hint,
    );
};

/** '3 sources, 2 queries across them'. */
export const wholeOf = (sources: number, queries: number): string =>
  [
    plural(sources, 'source'),
    ...(queries > 0 ? [`${plural(queries, 'query', 'queries')} across them`] : []),
  ].join(', ');

export const pointFields = ({ queries, error, ...point }: DrilledPoint): Record<string, unknown> => ({
  job: point.job,
  run: point.point,
  time: point.pointTime,
  repository: point.repository,
  state: point.state,
  sources: point.sources,
  queries: queries.length,
  queries_failed: queries.filter(({ passed }) => !passed).length,
  ...(error && { error: error.code, message: error.message, hint: error.hint }),
});

/** What `runs` says of one. */
export const pointLines = (point: DrilledPoint): string[] => [
  `restore point ${point.point} of ${point.job}, of ${formatTime(point.pointTime)}: ${point.state} (${wholeOf(point.sources.length, point.queries.length)})`,
  ...point.queries.map(
    ({ query, expected, found, passed }) =>
      `  ${printable(query)}: ${printable(found)}${passed ? '' : `, expected was ${expected}`}`,
  ),
];

/** Shows the answers to queries of the user's; `fields` say what they are of. */
export const sayQueries = (
  output: Output,
  subject: string,
  queries: readonly QueryRecord[],
  fields: Readonly<Record<string, string>>,
): void => {
  for (const { query, expected, found, passed } of queries)
    if (passed)
      output.detail(
        { message_type: 'query_passed', ...fields, query, expected, found },
        `${subject}: ${query}: ${found}`,
      );
    else
      output.failure(
        { message_type: 'query_failed', ...fields, query, expected, found },
        `${subject}: ${query}: expected was ${expected}, found: ${printable(found)}`,
      );
};
