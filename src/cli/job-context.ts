// What a command hands to the jobs it starts.
import type { JobContext } from '#jobs/backup.ts';
import type { Call } from './command.ts';
import { reportTo } from './job-report.ts';
import { logTo } from './output-log.ts';

/** Events and logs of the job go to the command's output; the global options for stores hold for every store it opens. */
export const jobContext = ({
  signal,
  clock,
  output,
  global: { limitUpload, limitDownload },
}: Pick<Call, 'signal' | 'clock' | 'output' | 'global'>): JobContext => ({
  signal,
  clock,
  log: logTo(output),
  onEvent: reportTo(output),
  storeOptions: {
    ...(limitUpload !== undefined && { limitUpload }),
    ...(limitDownload !== undefined && { limitDownload }),
  },
});
