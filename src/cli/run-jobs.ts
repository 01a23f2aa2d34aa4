// Jobs of the configuration file, one after the other, whatever their verb.
import { type Config, type JobConfig, repositoryNamed, sourceNamed } from '#config/config.ts';
import { shareOf } from '#config/jobs/check.ts';
import { type RunContext, runBackup } from '#jobs/run-backup.ts';
import { runCheck } from '#jobs/run-check.ts';
import { type Ended, together } from '#jobs/run-outcome.ts';
import { HoldfastError } from '#lib/errors.ts';
import { backupFields, reportBackup } from './backup-report.ts';
import { catalogIfAny } from './catalog-use.ts';
import { reportCheck } from './check-report.ts';
import type { Call } from './command.ts';
import { jobContext } from './job-context.ts';
import type { Output } from './output.ts';

export interface RunOptions {
  /** Added to the snapshots of backup jobs. */
  readonly tags: readonly string[];
  readonly dryRun: boolean;
}

/** Runs them all, the failed ones too, and returns the exit status that tells of all. */
export const runJobs = async (
  call: Call,
  config: Config,
  jobs: readonly JobConfig[],
  options: RunOptions,
): Promise<number> => {
  using catalog = options.dryRun ? undefined : catalogIfAny(config, call);
  const context: RunContext = { ...jobContext(call), catalog };
  const runs: (Ended & { readonly fields: Record<string, unknown> })[] = [];
  for (const job of jobs) runs.push(await runJob(job, config, options, context, call.output));
  const ended = together(runs);
  call.output.say({ message_type: 'summary', ...ended, runs: runs.map(({ fields }) => fields) }, undefined);
  return ended.status;
};

const runJob = async (
  job: JobConfig,
  config: Config,
  { tags, dryRun }: RunOptions,
  context: RunContext,
  output: Output,
): Promise<Ended & { readonly fields: Record<string, unknown> }> => {
  const { name } = job;
  if (job.verb === 'backup') {
    const sources = job.backup.map((source) => sourceNamed(config, source));
    const repositories = job.to.map(({ repository, keep }) => ({
      repository: repositoryNamed(config, repository),
      keep,
    }));
    const run = await runBackup({ job: name, sources, repositories, tags, dryRun }, context);
    reportBackup(output, name, run, 'run_done');
    return { state: run.state, status: run.status, fields: { name, ...backupFields(run) } };
  }
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: a check changes nothing`);
  const repositories = job.check.map((repository) => repositoryNamed(config, repository));
  const run = await runCheck({ job: name, repositories, readData: shareOf(job.readData) }, context);
  for (const outcome of run.outcomes) reportCheck(output, outcome);
  return { state: run.state, status: run.status, fields: { name, state: run.state, status: run.status } };
};
