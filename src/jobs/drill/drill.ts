// One run of drills: the newest snapshot of each source, or one that was named, remembered in the catalog.
import { tmpdir } from 'node:os';
import type { Catalog } from '#catalog/catalog.ts';
import type { RepositoryConfig } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, errorCode, HoldfastError } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SourceConfig } from '#sources/registry.ts';
import type { JobContext } from '../job-context.ts';
import type { RunRecord } from '../record.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, ok, together } from '../run-outcome.ts';
import { chooseSnapshot, isPartial, matching } from '../snapshot-choice.ts';
import { withRepository } from '../use-repository.ts';
import type { DrillQuery } from './query.ts';
import { type DrillReport, drillSnapshot } from './snapshot.ts';

export interface DrillSubject {
  readonly source: string;
  /** Absent: the newest whole one of the source. */
  readonly snapshot?: string;
  readonly into: SourceConfig;
  readonly queries: readonly DrillQuery[];
}

export interface DrillTask {
  readonly job?: string;
  readonly repository: RepositoryConfig;
  readonly subjects: readonly DrillSubject[];
  /** Where places that are files are made; the system's temporary folder when absent. */
  readonly folder?: string | undefined;
}

/** How the drill of one source went: with a report, or because it could not begin. */
export type DrillOutcome = { readonly source: string } & (
  | { readonly report: DrillReport }
  | { readonly error: Error }
);

export interface DrillRun extends Ended {
  readonly id: string;
  readonly outcomes: readonly DrillOutcome[];
}

/** Drills every subject; one that differs or cannot be drilled does not stop the others. Throws only when cancelled. */
export const runDrill = async (task: DrillTask, context: RunContext): Promise<DrillRun> => {
  const catalog = requireCatalog(context);
  return await recorded({ verb: 'drill', job: task.job }, context, async ({ record }) => {
    if (record === undefined) throw withoutCatalog();
    const outcomes = await drillAll(task, record, catalog, context);
    const ended = together(outcomes.map(endOf));
    const error = outcomes.map(errorOf).find((each) => each !== undefined);
    record.end(withDifference(ended, outcomes), [], error);
    return { ...withDifference(ended, outcomes), id: record.id, outcomes };
  });
};

const requireCatalog = ({ catalog }: RunContext): Catalog => {
  if (catalog === undefined) throw withoutCatalog();
  return catalog;
};

const withoutCatalog = (): HoldfastError =>
  new HoldfastError('FAILED', 'a drill needs the catalog, which cannot be written', {
    hint: 'it remembers what a drill makes, so that nothing is left behind; see `catalog:` in the configuration and HOLDFAST_CATALOG',
  });

const drillAll = async (
  task: DrillTask,
  record: RunRecord,
  catalog: Catalog,
  context: JobContext,
): Promise<DrillOutcome[]> => {
  const outcomes: DrillOutcome[] = [];
  for (const subject of task.subjects) {
    throwIfCancelled(context.signal);
    try {
      outcomes.push({
        source: subject.source,
        report: await drillOne(task, subject, record.id, catalog, context),
      });
    } catch (error) {
      throwIfCancelled(context.signal);
      outcomes.push({ source: subject.source, error: asError(error) });
    }
  }
  return outcomes;
};

const drillOne = (
  { repository, folder = tmpdir() }: DrillTask,
  subject: DrillSubject,
  run: string,
  catalog: Catalog,
  context: JobContext,
): Promise<DrillReport> =>
  withRepository(repository, { lock: 'shared', readsIndex: true }, context, async (opened) => {
    const snapshot = await snapshotOf(opened, subject, context);
    const { into, queries } = subject;
    const request = {
      run,
      repository: opened,
      repositoryName: repository.name,
      snapshot,
      into,
      folder,
      queries,
    };
    return await drillSnapshot(request, catalog.drills, context);
  });

const snapshotOf = async (
  repository: Repository,
  { source, snapshot }: DrillSubject,
  { onEvent }: JobContext,
): Promise<Snapshot> => {
  const all = await repository.snapshots();
  if (snapshot !== undefined) return chooseSnapshot(all, snapshot, {});
  const own = matching(all, { source });
  const whole = own.findLast((each) => !isPartial(each));
  const newest = own.at(-1);
  if (newest === undefined) return chooseSnapshot(all, 'latest', { source }); // says that there is none
  if (whole !== undefined && newest !== whole)
    onEvent({
      type: 'warning',
      subject: source,
      text: `snapshot ${shortId(newest.id)} is newer, but items are missing in it`,
    });
  return whole ?? newest;
};

const endOf = (outcome: DrillOutcome): Ended => {
  const error = errorOf(outcome);
  return error ? failed(error) : ok;
};

/** A difference is what a drill is for: it decides the status whatever else happened. */
const withDifference = (ended: Ended, outcomes: readonly DrillOutcome[]): Ended =>
  outcomes.some((outcome) => 'report' in outcome && outcome.report.state === 'differs')
    ? { ...ended, status: 4 }
    : ended;

const errorOf = (outcome: DrillOutcome): Error | undefined => {
  if ('error' in outcome) return outcome.error;
  const { state, error, firstDifferences, queries } = outcome.report;
  if (state === 'passed') return undefined;
  if (state !== 'differs')
    return new HoldfastError(
      errorCode(error?.code ?? 'FAILED'),
      `${outcome.source}: ${error?.message ?? 'the drill failed'}`,
      {
        hint: error?.hint,
      },
    );
  const wrong = queries.find(({ passed }) => !passed);
  const first =
    firstDifferences[0] ?? (wrong && `${wrong.query}: ${wrong.found}, expected was ${wrong.expected}`);
  return new HoldfastError('DIFFERENCE_FOUND', `${outcome.source}: ${first ?? 'it differs'}`, {
    hint: whenItDiffers(outcome.report),
  });
};

/** What to do about a drill that has found something. */
export const whenItDiffers = ({ differences }: DrillReport): string =>
  differences > 0
    ? 'do not rely on this snapshot; drill an older one, and back the source up anew'
    : 'see whether the source holds what it should, and whether the queries ask for the right thing';
