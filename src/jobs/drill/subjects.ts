// The sources of a drill, one after the other.
import { tmpdir } from 'node:os';
import type { DrillLedger } from '#catalog/drill.ts';
import type { RepositoryConfig } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SourceConfig } from '#sources/registry.ts';
import type { JobContext } from '../job-context.ts';
import type { DrillQuery } from './query.ts';
import { type DrillReport, drillSnapshot } from './snapshot.ts';

export interface DrillSubject {
  readonly source: string;
  /** Absent: the newest whole one of the source. */
  readonly snapshot?: string;
  readonly into: SourceConfig;
  readonly queries: readonly DrillQuery[];
}

/** What all subjects of a run have in common. */
export interface Drilling {
  /** Its id. */
  readonly run: string;
  readonly ledger: DrillLedger;
  readonly repository: RepositoryConfig;
  /** Where places that are files are made; the system's temporary folder when absent. */
  readonly folder?: string | undefined;
}

/** How the drill of one source went: with a report, or because it could not begin. */
export type DrillOutcome = { readonly source: string } & (
  | { readonly report: DrillReport }
  | { readonly error: Error }
);

/** One that differs or cannot be drilled does not stop the others. Throws only when cancelled. */
export const drillAll = async (
  subjects: readonly DrillSubject[],
  drillOne: (subject: DrillSubject) => Promise<DrillReport>,
  signal: AbortSignal,
): Promise<DrillOutcome[]> => {
  const outcomes: DrillOutcome[] = [];
  for (const subject of subjects) {
    throwIfCancelled(signal);
    try {
      outcomes.push({ source: subject.source, report: await drillOne(subject) });
    } catch (error) {
      throwIfCancelled(signal);
      outcomes.push({ source: subject.source, error: asError(error) });
    }
  }
  return outcomes;
};

/** Drills this snapshot of the subject. */
export const drillSubject = (
  { run, ledger, repository, folder = tmpdir() }: Drilling,
  { into, queries }: DrillSubject,
  stored: { readonly repository: Repository; readonly snapshot: Snapshot },
  context: JobContext,
): Promise<DrillReport> =>
  drillSnapshot({ run, repositoryName: repository.name, into, folder, queries, ...stored }, ledger, context);

export const hasPassed = (outcome: DrillOutcome): boolean => stateOf(outcome) === 'passed';
export const differs = (outcome: DrillOutcome): boolean => stateOf(outcome) === 'differs';

const stateOf = (outcome: DrillOutcome): DrillReport['state'] =>
  'report' in outcome ? outcome.report.state : 'failed';
