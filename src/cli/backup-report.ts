// How a run of a backup ended, as its user reads it.
import type { BackupRun } from '#jobs/run-backup.ts';
import { plural } from '#lib/format.ts';
import { outcomeFields } from './job-report.ts';
import type { Output } from './output.ts';

/**
 * One line for a run of several sources; a run of one has said all there is to say. `type` is 'summary' when nothing comes
 * after it.
 */
export const reportBackup = (
  output: Output,
  name: string,
  run: BackupRun,
  type: 'run_done' | 'summary',
): void => {
  const message = { message_type: type, name, ...backupFields(run) };
  const line = run.outcomes.length > 1 ? `${name}: ${verdictOn(run)} (run ${run.id})` : undefined;
  if (run.state === 'ok' || line === undefined) output.say(message, line);
  else output.failure(message, line);
};

const verdictOn = ({ state, outcomes }: BackupRun): string => {
  const count = (...states: readonly string[]): number =>
    outcomes.filter((outcome) => states.includes(outcome.state)).length;
  const isDry = outcomes.some((outcome) => 'report' in outcome && outcome.report.snapshot === undefined);
  if (state === 'ok')
    return isDry ? 'dry run, nothing stored' : `${plural(outcomes.length, 'snapshot')} stored`;
  const parts = [
    `${count('ok')} of ${plural(outcomes.length, 'source')} ${isDry ? 'read' : 'stored'} whole`,
    ...(count('partial') > 0 ? [`${count('partial')} with items missing, or suspicious`] : []),
    ...(count('failed', 'skipped') > 0 ? [`${count('failed', 'skipped')} not at all`] : []),
  ];
  return `${state}: ${parts.join(', ')}`;
};

export const backupFields = (run: BackupRun): Record<string, unknown> => ({
  run: run.id,
  state: run.state,
  status: run.status,
  sources: run.outcomes.map(outcomeFields),
});
