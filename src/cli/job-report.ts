// The events of a job, as its user reads them.

import { ownerText } from '#jobs/archive/owner.ts';
import type { FailedSource, JobEvent, OnJobEvent, SourceOutcome, StoredSource } from '#jobs/event.ts';
import { forgotten } from '#jobs/forget.ts';
import { HoldfastError, hintOf, messageOf } from '#lib/errors.ts';
import { formatBytes, formatCount, formatDuration, plural, printable, shortId } from '#lib/format.ts';
import type { SnapshotSummary } from '#repository/contract.ts';
import { sayForgotten, sayVerdict } from './forget-report.ts';
import type { Output } from './output.ts';

/** Shows each event as it comes. */
export const reportTo =
  (output: Output): OnJobEvent =>
  (event) => {
    if (event.type === 'started') reportStart(event, output);
    else if (event.type === 'progress') output.progress(event.subject, event.progress);
    else if (event.type === 'warning') output.warn(`${event.subject}: ${event.text}`, event.hint);
    else if (event.type === 'item-done') reportItem(event, output);
    else if (event.type === 'item-failed') reportFailedItem(event, output);
    else if (event.type === 'repository-failed') reportRepository(event, output);
    else if (event.type === 'retained') reportRetained(event, output);
    else if (event.type === 'retention-failed') reportRetention(event, output);
    else if (event.type === 'archived') reportArchived(event, output);
    else if (event.type === 'exported') reportExported(event, output);
    else if (event.type === 'purged') reportPurged(event, output);
    else if (event.type === 'files-retained') reportFilesRetained(event, output);
    else if (event.type === 'source-stored') reportStored(event.outcome, output);
    else reportFailed(event.outcome, output);
  };

/** What the outcome of one source is in the summary of --json. */
export const outcomeFields = (outcome: SourceOutcome): Record<string, unknown> => ({
  source: outcome.source,
  kind: outcome.kind,
  repository: outcome.repository,
  state: outcome.state,
  duration_ms: outcome.ms,
  ...('report' in outcome
    ? {
        snapshot_id: outcome.report.snapshot?.id,
        items_failed: outcome.report.failures.length,
        suspicious: outcome.suspicion !== undefined,
        ...summaryFields(outcome.report.summary),
      }
    : errorFields(outcome.error)),
});

/** An error in --json. */
export const errorFields = (error: Error): Record<string, unknown> => ({
  error: error instanceof HoldfastError ? error.code : 'FAILED',
  message: messageOf(error),
  hint: hintOf(error),
});

/** What befell a repository; the error of one that is called by its place begins with that already. */
export const ofRepository = (repository: string, error: Error): string => {
  const message = messageOf(error);
  return message.startsWith(`${repository}: `) ? message : `${repository}: ${message}`;
};

/** What of a snapshot could not be had: an entry, or a folder with all in it; '' is the whole. */
export const showFailedItem = (output: Output, item: string, error: Error): void =>
  output.failure(
    { message_type: 'item_failed', item, ...errorFields(error) },
    `${printable(item || '.')}: ${messageOf(error)}`,
    hintOf(error),
  );

type EventOf<Type extends JobEvent['type']> = Extract<JobEvent, { type: Type }>;

/** With somebody watching, the progress says what has begun. */
const reportStart = ({ subject, doing }: EventOf<'started'>, output: Output): void => {
  if (!output.live) output.say({ message_type: 'started', subject, doing }, `${subject}: ${doing}`);
};

const reportItem = ({ subject, item, bytes }: EventOf<'item-done'>, output: Output): void =>
  output.detail(
    { message_type: 'item_done', subject, item, bytes },
    `${subject}: ${printable(item)}, ${formatBytes(bytes)}`,
  );

const reportFailedItem = ({ subject, item, error }: EventOf<'item-failed'>, output: Output): void =>
  output.failure(
    { message_type: 'item_failed', subject, item, ...errorFields(error) },
    `${subject}: ${printable(item)}: ${messageOf(error)}`,
    hintOf(error),
  );

const reportRepository = ({ repository, error }: EventOf<'repository-failed'>, output: Output): void =>
  output.failure(
    { message_type: 'repository_failed', repository, ...errorFields(error) },
    ofRepository(repository, error),
    hintOf(error),
  );

const reportRetained = ({ type, ...forgetting }: EventOf<'retained'>, output: Output): void => {
  const { dryRun, verdicts } = forgetting;
  if (dryRun) for (const verdict of verdicts) sayVerdict(output, forgetting, verdict);
  if (dryRun || output.json || forgotten(verdicts).length > 0) sayForgotten(output, forgetting);
};

const reportArchived = ({ file, store, bytes }: EventOf<'archived'>, output: Output): void => {
  output.progressDone();
  output.say(
    { message_type: 'archived', file, store, bytes },
    `${printable(file)}: ${formatBytes(bytes)} in ${store}`,
  );
};

const reportExported = ({ subject, file, store, rows, bytes }: EventOf<'exported'>, output: Output): void =>
  output.say(
    { message_type: 'exported', subject, file, store, rows, bytes },
    `${subject}: ${plural(rows, 'row')} in ${printable(file)}`,
  );

const reportPurged = ({ subject, verdict, dryRun }: EventOf<'purged'>, output: Output): void => {
  const { name, state } = verdict;
  const message = { message_type: 'purged', subject, file: name, state, dry_run: dryRun };
  const file = `${subject}: ${printable(name)}`;
  if (verdict.state === 'failed')
    output.failure({ ...message, ...errorFields(verdict.error) }, `${file}: ${messageOf(verdict.error)}`);
  else if (verdict.state === 'kept')
    output.detail({ ...message, reason: verdict.reason }, `${file}: kept: ${verdict.reason}`);
  else output.detail(message, `${file}: ${dryRun && state === 'removed' ? 'would be removed' : state}`);
};

const reportFilesRetained = (event: EventOf<'files-retained'>, output: Output): void => {
  const { store, job, verdicts, left } = event;
  const removed = verdicts.filter(({ reasons }) => reasons.length === 0).map(({ file }) => file.key);
  const message = {
    message_type: 'files_retained',
    store,
    job,
    kept: verdicts.length - removed.length,
    removed,
    left: left.map(({ key }) => key),
  };
  for (const key of removed)
    output.detail({ message_type: 'file_removed', store, file: key }, `removed ${printable(key)}`);
  const kept = plural(verdicts.length - removed.length, 'file');
  if (removed.length > 0)
    output.say(message, `${store}: ${plural(removed.length, 'old file')} removed, ${kept} kept`);
  else output.say(message, undefined);
  reportLeft(event, output);
};

/** That others archive into the same place is nothing to warn of; that nobody will ever remove a file is. */
const reportLeft = ({ store, job, left }: EventOf<'files-retained'>, output: Output): void => {
  for (const { key, whose } of left) {
    const { job, host } = typeof whose === 'object' ? whose : {};
    const whom = typeof whose === 'object' ? ownerText(whose) : 'another user';
    if (whose !== 'unknown')
      output.detail(
        { message_type: 'file_left', store, file: key, job, host },
        `left ${printable(key)}, which ${whom} made`,
      );
  }
  const [first, ...more] = left.filter(({ whose }) => whose === 'unknown');
  if (first === undefined) return;
  const stay = more.length > 0 ? ` and ${plural(more.length, 'other file')} stay` : ' stays';
  output.warn(
    `${store}: ${printable(first.key)}${stay}, since nothing tells that ${job} made ${more.length > 0 ? 'them' : 'it'}`,
    'remove what is not needed, or make it the job’s: see "Whose an archive is" in docs/archive.md',
  );
};

const reportRetention = ({ repository, error }: EventOf<'retention-failed'>, output: Output): void =>
  output.failure(
    { message_type: 'retention_failed', repository, ...errorFields(error) },
    `${repository}: what is new is stored, but nothing old was removed: ${messageOf(error)}`,
    hintOf(error),
  );

const reportStored = (outcome: StoredSource, output: Output): void => {
  output.progressDone();
  const { snapshot, summary, failures } = outcome.report;
  const what = snapshot
    ? `snapshot ${shortId(snapshot.id)} in ${outcome.repository}`
    : 'dry run, nothing stored';
  const missing = failures.length > 0 ? `, ${plural(failures.length, 'item')} missing` : '';
  output.say(
    { message_type: 'source_done', ...outcomeFields(outcome) },
    `${outcome.source}: ${what}${missing}: ${read(summary)}; ${snapshot ? stored(summary) : newData(summary)}, ${formatDuration(outcome.ms)}`,
  );
  if (outcome.suspicion) reportSuspicion(outcome, outcome.suspicion, output);
};

const reportSuspicion = ({ source, repository }: StoredSource, error: Error, output: Output): void =>
  output.failure(
    { message_type: 'source_suspicious', source, repository, ...errorFields(error) },
    `${source}: ${messageOf(error)}`,
    hintOf(error),
  );

const read = (summary: SnapshotSummary): string =>
  `${plural(summary.totalFilesProcessed, 'file')} (${formatCount(summary.filesNew)} new, ` +
  `${formatCount(summary.filesChanged)} changed), ${formatBytes(summary.totalBytesProcessed)}`;

const stored = (summary: SnapshotSummary): string =>
  `stored ${formatBytes(summary.dataAddedPacked)} for ${newData(summary)}`;

const newData = ({ dataAdded }: SnapshotSummary): string => `${formatBytes(dataAdded)} of new data`;

const reportFailed = (outcome: FailedSource, output: Output): void => {
  output.progressDone();
  output.failure(
    { message_type: 'source_failed', ...outcomeFields(outcome) },
    `${outcome.source}: ${outcome.state}: ${messageOf(outcome.error)}`,
    outcome.state === 'failed' ? hintOf(outcome.error) : undefined,
  );
};

const summaryFields = (summary: SnapshotSummary): Record<string, unknown> => ({
  files_new: summary.filesNew,
  files_changed: summary.filesChanged,
  files_unmodified: summary.filesUnmodified,
  dirs_new: summary.dirsNew,
  dirs_changed: summary.dirsChanged,
  dirs_unmodified: summary.dirsUnmodified,
  data_blobs: summary.dataBlobs,
  tree_blobs: summary.treeBlobs,
  data_added: summary.dataAdded,
  data_added_packed: summary.dataAddedPacked,
  total_files_processed: summary.totalFilesProcessed,
  total_bytes_processed: summary.totalBytesProcessed,
});
