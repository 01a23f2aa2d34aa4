// What a command hands to the jobs it starts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JobContext } from '#jobs/job-context.ts';
import type { Call } from './command.ts';
import { reportTo } from './job-report.ts';
import { logTo } from './output-log.ts';

/** Events and logs of the job go to the command's output; the global options for stores hold for every store it opens. */
export const jobContext = ({
  signal,
  clock,
  output,
  env,
  global: { limitUpload, limitDownload, noCache, retryLockMs },
}: Pick<Call, 'signal' | 'clock' | 'output' | 'global' | 'env'>): JobContext => ({
  signal,
  clock,
  log: logTo(output),
  onEvent: reportTo(output),
  ...(retryLockMs !== undefined && { retryLockMs }),
  storeOptions: {
    cacheFolder: noCache ? undefined : cacheFolder(env),
    ...(limitUpload !== undefined && { limitUpload }),
    ...(limitDownload !== undefined && { limitDownload }),
  },
});

/** In the user's own cache folder; without a home folder nothing is kept. */
const cacheFolder = (env: Call['env']): string | undefined => {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'holdfast', 'stores');
  return env.HOME && existsSync(env.HOME) ? join(env.HOME, '.cache', 'holdfast', 'stores') : undefined;
};
