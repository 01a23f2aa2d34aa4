// How a run of a backup ended, as its user reads it.
import type { BackupRun } from '#jobs/run-backup.ts';
import { outcomeFields } from './job-report.ts';
import type { Output } from './output.ts';
import { plural } from './output-format.ts';

/**
 * One line for the whole run; a run of one source that went well has said all there is to say. `type` is 'summary' when
 * nothing comes after it.
 */
export const reportBackup = (
  output: Output,
  name: string,
  run: BackupRun,
  type: 'run_done' | 'summary',
): void => {
  const count = run.outcomes.length;
  const whole = run.outcomes.filter(({ state }) => state === 'ok').length;
  const partial = run.outcomes.filter(({ state }) => state === 'partial').length;
  const message = { message_type: type, name, ...backupFields(run) };
  if (run.state === 'ok') {
    output.say(
      message,
      count > 1 ? `${name}: ${plural(count, 'snapshot')} stored (run ${run.id})` : undefined,
    );
    return;
  }
  const parts = [`${whole} of ${plural(count, 'source')} stored whole`];
  if (partial > 0) parts.push(`${partial} with items missing`);
  if (whole + partial < count) parts.push(`${count - whole - partial} not at all`);
  output.failure(message, `${name}: ${run.state}: ${parts.join(', ')} (run ${run.id})`);
};

export const backupFields = (run: BackupRun): Record<string, unknown> => ({
  run: run.id,
  state: run.state,
  status: run.status,
  sources: run.outcomes.map(outcomeFields),
});
