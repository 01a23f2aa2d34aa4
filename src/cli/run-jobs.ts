// Jobs of the configuration file, one after the other, whatever their verb.
import type { Catalog } from '#catalog/catalog.ts';
import { catalogPath } from '#catalog/catalog-path.ts';
import type { Config, JobConfig } from '#config/config.ts';
import { tellConsole } from '#jobs/console/tell.ts';
import type { JobContext } from '#jobs/job-context.ts';
import { lockFolderOf } from '#jobs/job-lock.ts';
import type { RunContext } from '#jobs/run-backup.ts';
import { together } from '#jobs/run-outcome.ts';
import { withoutSecretVariables } from '#lib/child-environment.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { hintOf, messageOf } from '#lib/errors.ts';
import { catalogIfAny } from './catalog-use.ts';
import type { Call } from './command.ts';
import { jobContext } from './job-context.ts';
import type { Output } from './output.ts';
import { runLog } from './run-log.ts';
import type { JobRun } from './verbs/verb.ts';
import { runWholeJob, type WholeJobContext, type WholeJobOptions } from './verbs/whole-job.ts';

/** Nobody is there to repeat by hand what the daemon runs, or the console ordered: it waits so long for others to leave a repository. */
const patienceMs = 60 * 60_000;

/** Runs them all, the failed ones too, and returns the exit status that tells of all. */
export const runJobs = async (
  call: Call,
  config: Config,
  jobs: readonly JobConfig[],
  options: WholeJobOptions,
): Promise<number> => {
  using catalog = options.dryRun ? undefined : catalogIfAny(config, call);
  const patience = (options.due ?? options.orders) && { retryLockMs: patienceMs };
  const run: RunContext = { ...patience, ...jobContext(call), catalog };
  using log = runLog(config, call);
  const context: WholeJobContext = {
    run,
    config,
    output: call.output,
    log: log.log,
    lockFolder: lockFolderOf(catalogPath(config.catalog, call.env)),
    hookEnv: withoutSecretVariables(call.env),
  };
  const runs: JobRun[] = [];
  for (const job of jobs) runs.push(await runWholeJob(job, options, context));
  if (!options.dryRun) await tellOfRuns(config, catalog, run, call.output);
  const { state, status } = together(runs);
  call.output.say(
    { message_type: 'summary', state, status, runs: runs.map(({ fields }) => fields) },
    undefined,
  );
  return status;
};

/** A console that cannot be told fails no run: it hears of it by itself, for nothing more is told. */
export const tellOfRuns = async (
  config: Config,
  catalog: Catalog | undefined,
  context: JobContext,
  output: Output,
): Promise<void> => {
  if (config.bulletins === undefined || catalog === undefined) return;
  try {
    await tellConsole(config, catalog, context);
  } catch (error) {
    throwIfCancelled(context.signal);
    const hint = hintOf(error);
    output.warn(`the console cannot be told: ${messageOf(error)}`, hint);
  }
};
