// What the catalog remembers of a restore point that was drilled as a whole.
import type { Differed, QueryRecord } from './drill.ts';
import type { ErrorReport } from './run.ts';

export interface DrilledPoint {
  /** Of the drill. */
  readonly run: string;
  /** The backup job. */
  readonly job: string;
  readonly repository: string;
  /** The run of that job which stored it. */
  readonly point: string;
  readonly pointTime: Date;
  readonly sources: readonly string[];
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** 'passed': each source came back as it was captured, and each query found what was expected. 'failed': nobody knows. */
  readonly state: 'passed' | 'differs' | 'failed';
  /** Those across the sources. */
  readonly queries: readonly QueryRecord[];
  /** Why they could not be asked. */
  readonly error?: ErrorReport;
}

/** The newest drill of a job's restore points in a repository, and the newest that passed. */
export interface PointProof {
  readonly last: Pick<DrilledPoint, 'run' | 'job' | 'repository' | 'state' | 'startedAt'>;
  /** Absent: none ever passed. */
  readonly proven?: Pick<DrilledPoint, 'point' | 'pointTime' | 'endedAt'> & {
    /** How many there were. */
    readonly sources: number;
    readonly queries: number;
  };
  readonly differed?: Differed;
}

export interface PointLedger {
  add(point: DrilledPoint): void;
  /** Those that began in a period, the oldest first. */
  list(period: { readonly since?: Date; readonly until?: Date }): DrilledPoint[];
  /** What that run drilled as a whole. */
  of(run: string): DrilledPoint | undefined;
  /** One for each job and repository. */
  proofs(): PointProof[];
}
