// Jobs of the configuration file, one after the other, whatever their verb.
import type { Config, JobConfig } from '#config/config.ts';
import type { RunContext } from '#jobs/run-backup.ts';
import { together } from '#jobs/run-outcome.ts';
import { catalogIfAny } from './catalog-use.ts';
import type { Call } from './command.ts';
import { jobContext } from './job-context.ts';
import type { JobRun, VerbOptions } from './verbs/verb.ts';
import { runWholeJob } from './verbs/whole-job.ts';

/** Runs them all, the failed ones too, and returns the exit status that tells of all. */
export const runJobs = async (
  call: Call,
  config: Config,
  jobs: readonly JobConfig[],
  options: VerbOptions,
): Promise<number> => {
  using catalog = options.dryRun ? undefined : catalogIfAny(config, call);
  const context: RunContext = { ...jobContext(call), catalog };
  const runs: JobRun[] = [];
  for (const job of jobs) runs.push(await runWholeJob(job, config, options, context, call.output));
  const ended = together(runs);
  call.output.say({ message_type: 'summary', ...ended, runs: runs.map(({ fields }) => fields) }, undefined);
  return ended.status;
};
