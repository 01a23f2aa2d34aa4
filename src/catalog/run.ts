// What the catalog remembers of a run.
import { HoldfastError, hintOf, messageOf } from '#lib/errors.ts';
import type { ProcessIdentity } from '#lib/process-identity.ts';
import { withoutSecrets } from '#lib/secret.ts';

export interface NewRun {
  /** The job's name in the file; absent for a run that the command line describes. */
  readonly job?: string;
  readonly verb: string;
  readonly startedAt: Date;
  /** The time for which the schedule asked for it; absent when somebody else did. */
  readonly due?: Date;
  /** How many due times it stands for: its own, and those missed before it. Default: 1. */
  readonly covers?: number;
  /** The ids of the console's orders that asked for it; absent when none did. */
  readonly orders?: readonly string[];
}

/** A line of a run's log. */
export interface LogLine {
  readonly at: Date;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}

/** How a run ended. `error` is what failed it, why it is not whole, or why it was skipped: nothing was begun. */
export interface RunEnd {
  readonly state: 'succeeded' | 'partial' | 'failed' | 'cancelled' | 'skipped';
  readonly endedAt: Date;
  readonly exitStatus: number;
  readonly bytes: number;
  readonly items: number;
  readonly itemsFailed: number;
  readonly error?: ErrorReport;
}

interface RunBegin extends NewRun {
  readonly id: string;
  readonly process: ProcessIdentity;
}

/** 'interrupted': it was running, and its process is gone. */
export type Run = RunBegin & (RunEnd | { readonly state: 'running' | 'interrupted' });

export type RunState = Run['state'];

/** How one source fared in one repository. */
export interface SourceRecord {
  readonly source: string;
  readonly kind: string;
  readonly repository: string;
  readonly state: 'ok' | 'partial' | 'failed' | 'skipped';
  readonly durationMs: number;
  readonly snapshot?: string;
  readonly files: number;
  readonly bytes: number;
  /** What was added to the repository, as it lies there. */
  readonly bytesStored: number;
  readonly itemsFailed: number;
  readonly error?: ErrorReport;
}

/** A named item (a table, a collection), or anything that failed. */
export interface ItemRecord {
  readonly source: string;
  readonly item: string;
  readonly bytes: number;
  readonly rows?: number;
  /** Absent: it went well. */
  readonly error?: ErrorReport;
}

export interface RunDetails {
  readonly run: Run;
  readonly sources: readonly SourceRecord[];
  readonly items: readonly ItemRecord[];
}

export interface JobStatus {
  readonly job: string;
  /** A skipped one only when there is no other: that a job was skipped does not say how it stands. */
  readonly last: Run;
  /** Absent: it never succeeded. */
  readonly lastSuccess?: Run;
}

/** An error as it is kept: words only. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** An error fit to be kept; secrets are taken out once more, in case somebody let one through. */
export const errorReport = (error: unknown): ErrorReport => {
  const hint = hintOf(error);
  return {
    code: error instanceof HoldfastError ? error.code : 'FAILED',
    message: withoutSecrets(messageOf(error)),
    ...(hint !== undefined && { hint: withoutSecrets(hint) }),
  };
};
