// What the catalog remembers of a drill: its evidence, and the place that it may have left behind.
import type { ProcessIdentity } from '#lib/process-identity.ts';
import type { ErrorReport } from './run.ts';

/** Where a drill restores to. It is remembered before anything is made there. */
export interface ScratchRecord {
  /** What everything that the drill makes is called, or begins with. */
  readonly scratch: string;
  readonly kind: string;
  /** Without secrets: 'db.internal:5432'. */
  readonly location: string;
  readonly folder: string;
}

export interface NewDrill extends ScratchRecord {
  readonly id: string;
  readonly run: string;
  readonly source: string;
  readonly repository: string;
  readonly snapshot: string;
  readonly snapshotTime: Date;
  readonly startedAt: Date;
}

/** A query of the user's, what it should have given, and what it gave. */
export interface QueryRecord {
  readonly query: string;
  readonly expected: string;
  readonly found: string;
  readonly passed: boolean;
}

/** The newest drill that asked queries, where it was not the last one, and one of them did not find what was expected. */
export interface Differed {
  readonly run: string;
  readonly at: Date;
}

export interface DrillEnd {
  /** 'differs': it was restored, or could not be, and is not what was captured. 'failed': nobody knows. */
  readonly state: 'passed' | 'differs' | 'failed' | 'cancelled';
  readonly endedAt: Date;
  /** Absent: it was not restored. */
  readonly restoreMs?: number;
  readonly entries: number;
  readonly bytes: number;
  readonly tables: number;
  readonly rows: number;
  readonly definitions: number;
  /** How many there are; of very many only the first are told. */
  readonly differences: number;
  readonly firstDifferences: readonly string[];
  readonly notes: readonly string[];
  readonly queries: readonly QueryRecord[];
  readonly error?: ErrorReport;
}

/** 'interrupted': its process is gone. */
export type Drill = NewDrill & { readonly process: ProcessIdentity; readonly removed: boolean } & (
    | DrillEnd
    | { readonly state: 'running' | 'interrupted' }
  );

/** The newest drill of a source from a repository that found nothing, and the newest of all. */
export interface Proof {
  readonly source: string;
  readonly repository: string;
  readonly last: Drill;
  /** Absent: none ever passed. */
  readonly proven?: { readonly at: Date; readonly restoreMs: number; readonly snapshotTime: Date };
  readonly differed?: Differed;
}

/** As much of it as says how things stand. */
export interface ShownProof extends Omit<Proof, 'last'> {
  readonly last: Pick<Drill, 'id' | 'state' | 'startedAt'>;
}

export interface DrillLedger {
  begin(drill: NewDrill): void;
  end(id: string, end: DrillEnd): void;
  /** Nothing of its place is there any more. */
  removed(id: string): void;
  /** Places of drills that have ended, or whose process has, and that were never said to be removed. */
  leftovers(): Drill[];
  /** Those that began in a period, the oldest first. */
  list(period: { readonly since?: Date; readonly until?: Date }): Drill[];
  /** A line for each source and repository that was ever drilled. */
  proofs(): Proof[];
}
