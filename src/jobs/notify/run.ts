// A run of a job as something to be told.
import type { Catalog } from '#catalog/catalog.ts';
import type { ErrorReport, ItemRecord, Run, RunDetails, SourceRecord } from '#catalog/run.ts';
import { formatBytes, plural } from '#lib/format.ts';
import type { ItemFailure, RunSummary } from '#notifiers/notice.ts';
import type { Occurrence } from './rules.ts';

/** So many failures are named in a notice. */
const mostFailures = 100;

/** That a run begins. */
export const startOf = (job: string, run: Run): Occurrence => ({
  ...subjectOf(job),
  event: 'start',
  text: '',
  paragraphs: [],
  run: summaryOf({ run, sources: [], items: [] }),
});

/** How a run ended; undefined for one that is not to be told: cancelled, skipped, or not over. */
export const endOf = (job: string, details: RunDetails): Occurrence | undefined => {
  const { run } = details;
  const event = eventOf(run);
  if (event === undefined) return undefined;
  const error = 'error' in run ? run.error : undefined;
  return {
    ...subjectOf(job),
    event,
    text: event === 'success' ? successText(details) : textOf(details, error),
    paragraphs: event === 'success' ? [] : paragraphsOf(details, error),
    run: summaryOf(details),
  };
};

/** The details that a run without a catalog can still tell. */
export const detailsOf = (catalog: Catalog | undefined, run: Run): RunDetails => {
  try {
    if (catalog) return catalog.run(run.id);
  } catch {
    // the catalog has said so itself, and what happened is known without it
  }
  return { run, sources: [], items: [] };
};

const subjectOf = (job: string) => ({ subject: `job ${job}`, name: job, job });

const eventOf = (run: Run): 'success' | 'partial' | 'suspicious' | 'failure' | undefined => {
  if (run.state === 'succeeded') return 'success';
  if (run.state === 'partial')
    return run.error?.code === 'SUSPICIOUS' && run.itemsFailed === 0 ? 'suspicious' : 'partial';
  return run.state === 'failed' || run.state === 'interrupted' ? 'failure' : undefined;
};

const successText = ({ run, sources }: RunDetails): string =>
  sources.length === 0 || !('bytes' in run)
    ? ''
    : `${plural(sources.length, 'source')}, ${formatBytes(run.bytes)}`;

const textOf = ({ run, sources }: RunDetails, error: ErrorReport | undefined): string => {
  if (run.state === 'interrupted') return 'its process ended before it could say how it went';
  const bad = sources.filter(({ state }) => state !== 'ok');
  const [first] = bad;
  const missing = 'itemsFailed' in run ? run.itemsFailed : 0;
  if (error === undefined) return missing > 0 ? `${plural(missing, 'item')} failed` : '';
  const where = first?.error?.message === error.message ? `${first.source}: ` : '';
  const more = bad.length > 1 ? ` (and ${bad.length - 1} more)` : '';
  return `${where}${error.message}${more}`;
};

const paragraphsOf = ({ run, sources }: RunDetails, error: ErrorReport | undefined): string[] => {
  const errors = [
    ...sources.flatMap((source) => (source.error ? [{ ...source.error, where: placeOf(source) }] : [])),
    ...(error && !sources.some((source) => source.error?.message === error.message)
      ? [{ ...error, where: '' }]
      : []),
  ];
  return [
    ...errors.map(({ where, message, hint }) => `${where}${message}${hint === undefined ? '' : `\n${hint}`}`),
    ...(run.state === 'interrupted'
      ? ['It was killed, or the machine went down; the next run goes on with what was stored.']
      : []),
    `\`holdfast runs ${run.id}\` tells all of it.`,
  ];
};

const placeOf = ({ source, repository }: SourceRecord): string => `${source} in ${repository}: `;

const summaryOf = ({ run, sources, items }: RunDetails): RunSummary => {
  const failures = items.flatMap(failureOf);
  const failed = Math.max('itemsFailed' in run ? run.itemsFailed : 0, failures.length);
  const stored = 'items' in run ? run.items : 0;
  return {
    id: run.id,
    verb: run.verb,
    state: run.state,
    startedAt: run.startedAt,
    ...('endedAt' in run && { endedAt: run.endedAt, exitStatus: run.exitStatus }),
    items: { processed: stored + failed, succeeded: stored, failed },
    bytes: 'bytes' in run ? run.bytes : 0,
    sources: sources.map(
      ({ source, repository, state, bytes, durationMs, itemsFailed, snapshot, error }) => ({
        ...{ source, repository, state, bytes, durationMs, itemsFailed },
        ...(snapshot !== undefined && { snapshot }),
        ...(error && { error: error.message }),
      }),
    ),
    failures: failures.slice(0, mostFailures),
    failuresLeftOut: Math.max(0, failures.length - mostFailures),
  };
};

const failureOf = ({ source, item, error }: ItemRecord): ItemFailure[] =>
  error
    ? [{ source, item, message: error.message, ...(error.hint !== undefined && { hint: error.hint }) }]
    : [];
