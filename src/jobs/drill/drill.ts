// One run of drills: of the newest snapshot of each source, of one that was named, or of a whole restore point; remembered in the catalog.
import type { Catalog } from '#catalog/catalog.ts';
import type { DrilledPoint } from '#catalog/drilled-point.ts';
import type { RepositoryConfig } from '#config/config.ts';
import { errorCode, HoldfastError } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { JobContext } from '../job-context.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, ok, together } from '../run-outcome.ts';
import { chooseSnapshot, isPartial, matching } from '../snapshot-choice.ts';
import { withRepository } from '../use-repository.ts';
import { drillPoint, errorAcross, wasAsked } from './point.ts';
import type { PointTask } from './point-task.ts';
import type { DrillReport } from './snapshot.ts';
import {
  type Drilling,
  type DrillOutcome,
  type DrillSubject,
  differs,
  drillAll,
  drillSubject,
} from './subjects.ts';

export interface DrillTask {
  readonly job?: string;
  readonly repository: RepositoryConfig;
  readonly subjects: readonly DrillSubject[];
  /** Where places that are files are made; the system's temporary folder when absent. */
  readonly folder?: string | undefined;
  /** All snapshots are of one restore point, which is also looked at as a whole. */
  readonly point?: PointTask;
}

export interface DrillRun extends Ended {
  readonly id: string;
  readonly outcomes: readonly DrillOutcome[];
  readonly point?: DrilledPoint;
}

/**
 * Drills every subject; one that differs or cannot be drilled does not stop the others. Throws when cancelled, and where the restore
 * point that is asked for is not there or its repository cannot be opened.
 */
export const runDrill = async (task: DrillTask, context: RunContext): Promise<DrillRun> => {
  const catalog = requireCatalog(context);
  return await recorded({ verb: 'drill', job: task.job }, context, async ({ record }) => {
    if (record === undefined) throw withoutCatalog();
    const { repository, subjects, folder } = task;
    const drilling: Drilling = { run: record.id, ledger: catalog.drills, repository, folder };
    const { outcomes, point }: Pick<DrillRun, 'outcomes' | 'point'> = task.point
      ? await drillPoint(task.point, subjects, drilling, context)
      : { outcomes: await drillNewest(subjects, drilling, context) };
    if (point) catalog.points.add(point);
    const errors = [...outcomes.map(errorOf), ...(point && wasAsked(point) ? [errorAcross(point)] : [])];
    const isDifferent = point?.state === 'differs' || outcomes.some(differs);
    const ended = withDifference(together(errors.map(endOf)), isDifferent);
    record.end(
      ended,
      [],
      errors.find((each) => each !== undefined),
    );
    return { ...ended, id: record.id, outcomes, ...(point && { point }) };
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

/** Each in a repository opened for it alone: from one drill to the next there may be hours. */
const drillNewest = (
  subjects: readonly DrillSubject[],
  drilling: Drilling,
  context: JobContext,
): Promise<DrillOutcome[]> => {
  const use = { lock: 'shared', readsIndex: true } as const;
  return drillAll(
    subjects,
    (subject) =>
      withRepository(drilling.repository, use, context, async (repository) => {
        const snapshot = await snapshotOf(repository, subject, context);
        return await drillSubject(drilling, subject, { repository, snapshot }, context);
      }),
    context.signal,
  );
};

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

const endOf = (error: Error | undefined): Ended => (error ? failed(error) : ok);

/** A difference is what a drill is for: it decides the status whatever else happened. */
const withDifference = (ended: Ended, isDifferent: boolean): Ended =>
  isDifferent ? { ...ended, status: 4 } : ended;

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
