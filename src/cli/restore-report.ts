// What came, or would come, out of a restore, as its user reads it.
import type { RestorePlan } from '#jobs/restore.ts';
import { formatBytes, formatDuration, plural, printable } from '#lib/format.ts';
import type { RestoreReport } from '#sources/source.ts';
import { showFailedItem } from './job-report.ts';
import type { Output } from './output.ts';

/** What is restored, for --json and for people. */
export interface Restored {
  readonly fields: Readonly<Record<string, unknown>> & { readonly message_type: string };
  /** 'snapshot 3fa8c2d1 (shop)'. */
  readonly text: string;
}

/** Returns the exit status. */
export const showPlan = (
  output: Output,
  { fields, text }: Restored,
  { rows, files, bytes, lost }: RestorePlan,
): number => {
  showFailures(output, lost);
  const ofRows = rows ? `${plural(rows.count, 'row')} in ` : '';
  output.say(
    { ...fields, dry_run: true, files, bytes, rows: rows?.count, items_failed: lost.length },
    `would restore ${ofRows}${plural(files, 'file')}, ${formatBytes(bytes)}, of ${text}; nothing was written${failedText(lost)}`,
  );
  return lost.length > 0 ? 3 : 0;
};

/** Returns the exit status. */
export const showRestored = (
  output: Output,
  { fields, text }: Restored,
  { entries, bytes, failures, warnings }: RestoreReport,
  { target, ms }: { readonly target: string; readonly ms: number },
): number => {
  output.progressDone();
  for (const warning of warnings) output.warn(printable(warning));
  showFailures(output, failures);
  output.say(
    { ...fields, target, entries, bytes, items_failed: failures.length, duration_ms: ms },
    `restored ${plural(entries, 'entry', 'entries')}, ${formatBytes(bytes)}, of ${text} to ${target}, ${formatDuration(ms)}${failedText(failures)}`,
  );
  return failures.length > 0 ? 3 : 0;
};

const showFailures = (output: Output, failures: RestoreReport['failures']): void => {
  for (const { path, error } of failures) showFailedItem(output, path, error);
};

const failedText = (failures: RestoreReport['failures']): string =>
  failures.length > 0 ? `; ${plural(failures.length, 'item')} failed, named above` : '';
