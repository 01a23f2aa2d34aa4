// What a check of a repository found, as its user reads it.
import type { CheckOutcome } from '#jobs/run-check.ts';
import { hintOf } from '#lib/errors.ts';
import { formatBytes, plural } from '#lib/format.ts';
import type { CheckReport } from '#repository/contract.ts';
import { errorFields, ofRepository } from './job-report.ts';
import type { Output } from './output.ts';

/** Shows the findings, or why there are none. */
export const reportCheck = (output: Output, outcome: CheckOutcome): void => {
  output.progressDone();
  const { repository } = outcome;
  if ('report' in outcome) {
    reportFindings(output, repository, outcome.report);
    return;
  }
  const { error } = outcome;
  output.failure(
    { message_type: 'repository_failed', repository, ...errorFields(error) },
    ofRepository(repository, error),
    hintOf(error),
  );
};

const reportFindings = (output: Output, repository: string, report: CheckReport): void => {
  for (const text of report.notes) output.say({ message_type: 'note', repository, text }, `note: ${text}`);
  for (const text of report.problems) output.failure({ message_type: 'problem', repository, text }, text);
  const { packs, blobs, snapshots, problems, notes } = report;
  const line = `${repository}: ${verdictOn(report)}`;
  const message = {
    message_type: 'checked',
    repository,
    snapshots,
    packs,
    blobs,
    bytes_read: report.bytesRead,
    problems: problems.length,
    notes: notes.length,
  };
  if (problems.length === 0) output.say(message, line);
  else
    output.failure(
      message,
      line,
      'the snapshots that do not need what is damaged can still be restored; `holdfast repair --help` says what to do',
    );
};

const verdictOn = ({ snapshots, packs, blobs, bytesRead, problems }: CheckReport): string => {
  const seen = `${plural(snapshots, 'snapshot')}, ${plural(packs, 'pack')}, ${plural(blobs, 'blob')}`;
  const read = bytesRead > 0 ? `, ${formatBytes(bytesRead)} of data read` : '';
  const verdict =
    problems.length === 0 ? 'no problem found' : `${plural(problems.length, 'problem')} found, named above`;
  return `${verdict} (${seen}${read})`;
};
