// Every verb a job can have: a file here, a line below, and its keys in src/config/jobs.
import type { Config, JobConfig } from '#config/config.ts';
import type { Verb } from '#config/jobs/verbs.ts';
import type { RunContext } from '#jobs/run-backup.ts';
import type { Output } from '../output.ts';
import { archive } from './archive.ts';
import { backup } from './backup.ts';
import { check } from './check.ts';
import { drill } from './drill.ts';
import { exporting } from './export.ts';
import { mirror } from './mirror.ts';
import { receive } from './receive.ts';
import { replicate } from './replicate.ts';
import type { JobRun, RunVerb, VerbOptions } from './verb.ts';

const verbs: { readonly [Name in Verb]: RunVerb<Name> } = {
  archive,
  backup,
  check,
  drill,
  export: exporting,
  mirror,
  receive,
  replicate,
};

/** Runs a job by its verb. */
export const runJob = (
  job: JobConfig,
  config: Config,
  options: VerbOptions,
  context: RunContext,
  output: Output,
): Promise<JobRun> => {
  const run = verbs[job.verb] as RunVerb<Verb>; // the table has the right one for each
  return run(job, config, options, context, output);
};
