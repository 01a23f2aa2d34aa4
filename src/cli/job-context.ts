// What a command hands to the jobs it starts.
import type { JobContext } from '#jobs/backup.ts';
import type { Call } from './command.ts';
import { reportTo } from './job-report.ts';
import { logTo } from './output-log.ts';

/** Events and logs of the job go to the command's output. */
export const jobContext = ({
  signal,
  clock,
  output,
}: Pick<Call, 'signal' | 'clock' | 'output'>): JobContext => ({
  signal,
  clock,
  log: logTo(output),
  onEvent: reportTo(output),
});
