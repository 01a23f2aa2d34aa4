// What a verb of the configuration file is to the command line.
import type { Config, JobConfig } from '#config/config.ts';
import type { Verb } from '#config/jobs/verbs.ts';
import type { MirrorMode } from '#jobs/mirror/work.ts';
import type { RunContext } from '#jobs/run-backup.ts';
import type { Ended } from '#jobs/run-outcome.ts';
import type { Output } from '../output.ts';

export interface VerbOptions {
  /** Added to the snapshots of backup jobs. */
  readonly tags: readonly string[];
  /** Refused with USAGE by a verb that has no dry run. */
  readonly dryRun: boolean;
  /** Which files mirror jobs deal with; new ones when it is absent. */
  readonly mirror?: MirrorMode | undefined;
}

/** How a run ended, its id in the catalog, and what the summary of `--json` says of it. */
export interface JobRun extends Ended {
  readonly id: string;
  readonly fields: Record<string, unknown>;
}

export type JobOf<Name extends Verb> = Extract<JobConfig, { readonly verb: Name }>;

/** Runs a job and reports it. Throws only when cancelled or asked for what the verb cannot do; failures are in the result. */
export type RunVerb<Name extends Verb> = (
  job: JobOf<Name>,
  config: Config,
  options: VerbOptions,
  context: RunContext,
  output: Output,
) => Promise<JobRun>;
