// The log that `logs:` asks for.
import type { Config } from '#config/config.ts';
import type { Clock } from '#lib/clock.ts';
import { messageOf } from '#lib/errors.ts';
import { type Log, openLog, silentLog } from '#lib/log.ts';
import { dayFiles } from '#lib/log-file.ts';
import type { Output } from './output.ts';

/** A log into a file for each day; one that nobody reads when the configuration names no folder. */
export const runLog = (
  { logs }: Pick<Config, 'logs'>,
  { clock, output }: { readonly clock: Clock; readonly output: Output },
): { readonly log: Log } & Disposable => {
  if (logs === undefined) return { log: silentLog, [Symbol.dispose]() {} };
  const files = dayFiles({ ...logs, name: 'holdfast' }, clock, (error) =>
    output.warn(`cannot write the log in ${logs.folder}: ${messageOf(error)}`),
  );
  return { log: openLog(logs.level, files), [Symbol.dispose]: () => files[Symbol.dispose]() };
};
