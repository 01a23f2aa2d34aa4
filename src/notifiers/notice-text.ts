// A notice as plain text for people: the same in a mail, a chat and a log.
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatTime,
  plural,
  printable,
  shortId,
} from '#lib/format.ts';
import type { ItemFailure, Notice, RunSummary, SourceSummary } from './notice.ts';

/** Everything but the title, at most so many characters; what does not fit is said to be missing. */
export const noticeText = (notice: Notice, limit = Number.POSITIVE_INFINITY): string =>
  shortened(
    [
      ...notice.paragraphs,
      ...(notice.run ? [runText(notice.run)] : []),
      `${notice.host}, ${formatTime(notice.at)}`,
    ].join('\n\n'),
    limit,
  );

/** The text cut to so many characters, an ellipsis at its end. */
export const shortened = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, Math.max(0, limit - 1)).toWellFormed()}…`;

/** 'processed 1,204, succeeded 1,203, failed 1'; three noughts beside a source that failed as a whole would look like a mistake. */
export const countsLine = ({ items: { processed, succeeded, failed } }: RunSummary): string =>
  processed === 0
    ? 'nothing was processed'
    : `processed ${formatCount(processed)}, succeeded ${formatCount(succeeded)}, failed ${formatCount(failed)}`;

/** 'run 20261121-033000-x7kq (backup), 2026-11-21 03:30:00, took 12 s, exit status 3'. */
export const runLine = ({ id, verb, startedAt, endedAt, exitStatus }: RunSummary): string =>
  [
    `run ${id} (${verb})`,
    formatTime(startedAt),
    ...(endedAt ? [`took ${formatDuration(endedAt.getTime() - startedAt.getTime())}`] : []),
    ...(exitStatus === undefined ? [] : [`exit status ${exitStatus}`]),
  ].join(', ');

/** 'shop in offsite: ok, 3.14 MiB, 12 s, snapshot 12d64ed7'. */
const sourceLine = (source: SourceSummary): string =>
  [
    `${source.source} in ${source.repository}: ${source.state}`,
    ...(source.error === undefined ? [formatBytes(source.bytes), formatDuration(source.durationMs)] : []),
    ...(source.itemsFailed > 0 ? [`${plural(source.itemsFailed, 'item')} missing`] : []),
    ...(source.snapshot === undefined ? [] : [`snapshot ${shortId(source.snapshot)}`]),
    ...(source.error === undefined ? [] : [printable(source.error)]),
  ].join(', ');

/** 'shop: public.orders: permission denied (grant select …)'. */
const failureLine = ({ source, item, message, hint }: ItemFailure): string =>
  `${source}: ${printable(item)}: ${printable(message)}${hint === undefined ? '' : ` (${printable(hint)})`}`;

/** 'and 3 more: holdfast runs <id>', when some are not named. */
export const leftOutLine = ({ id, failuresLeftOut }: RunSummary): string | undefined =>
  failuresLeftOut === 0 ? undefined : `and ${formatCount(failuresLeftOut)} more: holdfast runs ${id}`;

const runText = (run: RunSummary): string =>
  [
    runLine(run),
    countsLine(run),
    ...run.sources.map((source) => `- ${sourceLine(source)}`),
    ...(run.failures.length > 0
      ? ['failed:', ...run.failures.map((failure) => `- ${failureLine(failure)}`)]
      : []),
    ...(run.failuresLeftOut > 0 ? [`- ${leftOutLine(run)}`] : []),
  ].join('\n');
