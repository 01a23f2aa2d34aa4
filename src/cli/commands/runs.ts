// holdfast runs: what happened.
import type { Catalog } from '#catalog/catalog.ts';
import type { ErrorReport, ItemRecord, Run, RunDetails, SourceRecord } from '#catalog/run.ts';
import { HoldfastError } from '#lib/errors.ts';
import { formatBytes, formatDuration, formatTime, plural, printable, shortId } from '#lib/format.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand, flag, type OptionSpecs, value } from '../command.ts';
import type { Output } from '../output.ts';
import { pointFields, pointLines } from '../point-report.ts';
import { configIfAny } from '../repository-choice.ts';

const options = {
  job: value('--job <name>', 'only runs of this job'),
  limit: value('-n, --limit <count>', 'show so many, the newest (default: 20)'),
  log: flag('--log', 'show what the run said, and what its hooks wrote'),
};

export const command = defineCommand({
  description: `Lists the past runs of this machine, the newest first; or shows one with all that went well and wrong in it.

They are remembered in the catalog (see \`catalog:\` in the configuration file, and HOLDFAST_CATALOG). An interrupted
run is one whose process ended before it could say how it went.`,
  args: [{ usage: '[run]', text: "the beginning of a run's id, or latest" }],
  options,
  examples: [
    ['runs --job nightly', 'how it went lately'],
    ['runs latest', 'all that is known of the last run'],
    ['runs latest --log', 'what it said while it ran'],
  ],
  onRepository: false,
  statuses: [],
  async run(call) {
    const config = await configIfAny(call);
    using catalog = catalogOf(config, call);
    const id = idOf(call, catalog);
    if (id === undefined && call.options.log)
      throw new HoldfastError('USAGE', '--log needs to know of which run', {
        hint: 'name it, or say latest',
      });
    if (id !== undefined && call.options.log) await showLog(call.output, catalog, id);
    else if (id !== undefined) await showRun(call.output, catalog, catalog.run(id));
    else await showRuns(call, catalog.runs(filterOf(call)));
    return 0;
  },
});

/** `latest` is that of the job, when one is named. */
const idOf = (
  { args: [id], options: { job, limit } }: Call<OptionSpecs & typeof options>,
  catalog: Catalog,
): string | undefined => {
  if (id === undefined || (job ?? limit) === undefined) return id;
  if (limit !== undefined || id !== 'latest')
    throw new HoldfastError('USAGE', `run ${id} is one: --job and --limit choose among several`, {
      hint: 'leave them out; `latest --job <name>` is the newest of a job',
    });
  const [run] = catalog.runs({ limit: 1, ...(job !== undefined && { job }) });
  if (run) return run.id;
  throw new HoldfastError('USAGE', `there is no run of ${job} yet`, { hint: 'see `holdfast runs`' });
};

const filterOf = ({ options: { job, limit } }: Call<OptionSpecs & typeof options>) => {
  const count = Number(limit ?? 20);
  if (!Number.isInteger(count) || count < 1)
    throw new HoldfastError('USAGE', `--limit ${limit} is not a number of runs`);
  return { limit: count, ...(job !== undefined && { job }) };
};

const showRuns = async ({ output }: Pick<Call, 'output'>, runs: readonly Run[]): Promise<void> => {
  if (output.json)
    for (const run of runs) await output.result({ message_type: 'run', ...runFields(run) }, undefined);
  else if (runs.length > 0) await output.table(runColumns, runs.map(runRow));
  output.say({ message_type: 'summary', runs: runs.length }, runs.length === 0 ? 'no runs yet' : undefined);
};

const showLog = async (output: Output, catalog: Catalog, id: string): Promise<void> => {
  const run = catalog.run(id).run.id;
  let lines = 0;
  for (const { at, level, text } of catalog.log(run)) {
    await output.result(
      { message_type: 'log', time: at, level, text },
      `${formatTime(at)} ${level.padEnd(5)} ${printable(text)}`,
    );
    lines += 1;
  }
  output.say(
    { message_type: 'summary', run, lines },
    lines === 0 ? `no log is kept of run ${run}: only runs of jobs have one` : undefined,
  );
};

const runColumns = [
  { title: 'Run' },
  { title: 'Time' },
  { title: 'Job' },
  { title: 'Verb' },
  { title: 'State' },
  { title: 'Took', align: 'right' },
  { title: 'Size', align: 'right' },
  { title: '' },
] as const;

const runRow = (run: Run): string[] => [
  run.id,
  formatTime(run.startedAt),
  run.job ?? '',
  run.verb,
  run.state,
  'endedAt' in run ? formatDuration(run.endedAt.getTime() - run.startedAt.getTime()) : '',
  'bytes' in run && run.bytes > 0 ? formatBytes(run.bytes) : '',
  'error' in run && run.error ? run.error.message : '',
];

const showRun = async (
  output: Output,
  catalog: Catalog,
  { run, sources, items }: RunDetails,
): Promise<void> => {
  const point = catalog.points.of(run.id);
  if (output.json) {
    const parts = { sources: sources.map(sourceFields), items, ...(point && { point: pointFields(point) }) };
    await output.result({ message_type: 'summary', ...runFields(run), ...parts }, undefined);
    return;
  }
  await output.heading(`${run.verb}${run.job === undefined ? '' : ` ${run.job}`}: ${run.state}`);
  await output.result(
    undefined,
    `run ${run.id}, ${formatTime(run.startedAt)}${tookOf(run)}${orderedBy(run)}, process ${run.process.pid} on ${run.process.host}`,
  );
  for (const source of sources) await output.result(undefined, sourceLine(source));
  for (const item of items) await output.result(undefined, `  ${itemLine(item)}`);
  if (point) for (const line of pointLines(point)) await output.result(undefined, line);
  if ('error' in run && run.error && sources.length === 0)
    await output.result(undefined, errorLine(run.error));
};

const tookOf = (run: Run): string =>
  'endedAt' in run
    ? `, took ${formatDuration(run.endedAt.getTime() - run.startedAt.getTime())}, exit status ${run.exitStatus}`
    : '';

const orderedBy = ({ orders = [] }: Run): string =>
  orders.length > 0 ? `, ordered by the console (${orders.join(', ')})` : '';

const sourceLine = (source: SourceRecord): string => {
  const head = `${source.source} (${source.kind}) in ${source.repository}: ${source.state}`;
  if (source.error) return `${head}: ${errorLine(source.error)}`;
  const missing = source.itemsFailed > 0 ? `, ${plural(source.itemsFailed, 'item')} missing` : '';
  const snapshot = source.snapshot === undefined ? '' : `, snapshot ${shortId(source.snapshot)}`;
  return `${head}${snapshot}${missing}, ${plural(source.files, 'file')}, ${formatBytes(source.bytes)}, stored ${formatBytes(source.bytesStored)}, ${formatDuration(source.durationMs)}`;
};

const itemLine = ({ source, item, bytes, rows, error }: ItemRecord): string => {
  const name = `${source}: ${printable(item)}`;
  if (error) return `${name}: FAILED: ${errorLine(error)}`;
  return `${name}: ${formatBytes(bytes)}${rows === undefined ? '' : `, ${plural(rows, 'row')}`}`;
};

const errorLine = ({ message, hint }: ErrorReport): string =>
  `${printable(message)}${hint === undefined ? '' : ` (${hint})`}`;

/** A run in --json; also for `status`. */
export const runFields = (run: Run): Record<string, unknown> => {
  const { id, job, verb, state, startedAt, process } = run;
  const begin = {
    id,
    job,
    verb,
    state,
    due: run.due,
    covers: run.covers,
    orders: run.orders,
    started_at: startedAt,
    host: process.host,
    pid: process.pid,
  };
  if (!('endedAt' in run)) return begin;
  const { endedAt, exitStatus, bytes, items, itemsFailed, error } = run;
  return { ...begin, ended_at: endedAt, status: exitStatus, bytes, items, items_failed: itemsFailed, error };
};

const sourceFields = (source: SourceRecord): Record<string, unknown> => ({
  source: source.source,
  kind: source.kind,
  repository: source.repository,
  state: source.state,
  duration_ms: source.durationMs,
  snapshot_id: source.snapshot,
  files: source.files,
  bytes: source.bytes,
  bytes_stored: source.bytesStored,
  items_failed: source.itemsFailed,
  error: source.error,
});
