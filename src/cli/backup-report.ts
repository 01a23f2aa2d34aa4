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
  const remembered = isDry(run) ? '' : ` (run ${run.id})`;
  const line = run.outcomes.length > 1 ? `${name}: ${verdictOn(run)}${remembered}` : undefined;
  if (run.state === 'ok' || line === undefined) output.say(message, line);
  else output.failure(message, line);
};

const isDry = ({ outcomes }: BackupRun): boolean => {
  const read = outcomes.flatMap((outcome) => ('report' in outcome ? outcome.report : []));
  return read.length > 0 && read.every(({ snapshot }) => snapshot === undefined);
};

const verdictOn = (run: BackupRun): string => {
  const { state, outcomes } = run;
  const done = isDry(run) ? 'read' : 'stored';
  const count = (...states: readonly string[]): number =>
    outcomes.filter((outcome) => states.includes(outcome.state)).length;
  if (state === 'ok' && done === 'read')
    return `dry run, nothing stored: ${plural(outcomes.length, 'source')} read whole`;
  if (state === 'ok') return `${plural(outcomes.length, 'snapshot')} stored`;
  const parts = [
    `${count('ok')} of ${plural(outcomes.length, 'source')} ${done} whole`,
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
