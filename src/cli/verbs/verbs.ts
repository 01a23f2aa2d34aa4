// Every verb a job can have: a file here, a line below, and its keys in src/config/jobs. Only those that are run are loaded.
import type { Config, JobConfig } from '#config/config.ts';
import type { Verb } from '#config/jobs/verbs.ts';
import type { RunContext } from '#jobs/run-backup.ts';
import type { Output } from '../output.ts';
import type { JobRun, RunVerb, VerbOptions } from './verb.ts';

const verbs: { readonly [Name in Verb]: () => Promise<RunVerb<Name>> } = {
  archive: async () => (await import('./archive.ts')).archive,
  backup: async () => (await import('./backup.ts')).backup,
  check: async () => (await import('./check.ts')).check,
  drill: async () => (await import('./drill.ts')).drill,
  export: async () => (await import('./export.ts')).exporting,
  mirror: async () => (await import('./mirror.ts')).mirror,
  receive: async () => (await import('./receive.ts')).receive,
  replicate: async () => (await import('./replicate.ts')).replicate,
};

/** Runs a job by its verb. */
export const runJob = async (
  job: JobConfig,
  config: Config,
  options: VerbOptions,
  context: RunContext,
  output: Output,
): Promise<JobRun> => {
  const run = (await verbs[job.verb]()) as RunVerb<Verb>; // the table has the right one for each
  return run(job, config, options, context, output);
};
