// A job with all that belongs to it whatever its verb: every run of a job passes through here.
import type { Config, JobConfig } from '#config/config.ts';
import type { RunContext } from '#jobs/run-backup.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Output } from '../output.ts';
import type { JobRun, VerbOptions } from './verb.ts';
import { runJob } from './verbs.ts';

/** Runs a job and what the file says beside its verb. Throws as the verb does. */
export const runWholeJob = async (
  job: JobConfig,
  config: Config,
  options: VerbOptions,
  context: RunContext,
  output: Output,
): Promise<JobRun> => {
  using limit = timeLimit(job, context.signal);
  return await runJob(job, config, options, { ...context, signal: limit.signal }, output);
};

/** The signal, which also fires when the job has taken too long. */
const timeLimit = ({ name, timeLimit: limit }: JobConfig, signal: AbortSignal) => {
  if (limit === undefined) return { signal, [Symbol.dispose]() {} };
  const tooLong = new AbortController();
  const timer = setTimeout(
    () =>
      tooLong.abort(
        new HoldfastError('FAILED', `${name} took longer than ${limit}, its time limit`, {
          hint: 'what was stored is used by the next run; give it a longer timeLimit',
        }),
      ),
    durationMs(limit),
  );
  return { signal: AbortSignal.any([signal, tooLong.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
};
