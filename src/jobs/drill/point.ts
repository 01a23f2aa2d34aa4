// A restore point as a whole: each of its sources drilled, and then queries asked across them.
import type { QueryRecord } from '#catalog/drill.ts';
import type { DrilledPoint } from '#catalog/drilled-point.ts';
import { errorReport } from '#catalog/run.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { errorCode, HoldfastError } from '#lib/errors.ts';
import { formatTime } from '#lib/format.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { JobContext } from '../job-context.ts';
import { choosePoint, type RestorePoint } from '../restore-point.ts';
import { isGood, isRepaired } from '../snapshot-choice.ts';
import { withRepository } from '../use-repository.ts';
import { askAcross } from './across.ts';
import { type PointTask, pointRequest } from './point-task.ts';
import {
  type Drilling,
  type DrillOutcome,
  type DrillSubject,
  differs,
  drillAll,
  drillSubject,
  hasPassed,
} from './subjects.ts';

export interface DrilledWhole {
  readonly outcomes: readonly DrillOutcome[];
  readonly point: DrilledPoint;
}

/** SNAPSHOT_UNKNOWN where there is no such restore point, USAGE where the job ran on several hosts. */
export const drillPoint = async (
  task: PointTask,
  subjects: readonly DrillSubject[],
  drilling: Drilling,
  context: JobContext,
): Promise<DrilledWhole> => {
  const { repository } = drilling;
  const { clock, signal, onEvent } = context;
  const startedAt = clock.now();
  // One lock for all: none of the snapshots is removed before its turn comes.
  const use = { lock: 'shared', readsIndex: true } as const;
  const { chosen, outcomes } = await withRepository(repository, use, context, async (opened) => {
    const chosen = choosePoint(await opened.snapshots(), pointRequest(task, sourcesOf(subjects)));
    const text = `drilling restore point ${chosen.run}, of ${formatTime(chosen.time)}`;
    onEvent({ type: 'started', subject: task.job, doing: text });
    if (chosen.passedOver !== undefined)
      onEvent({
        type: 'warning',
        subject: task.job,
        text: `run ${chosen.passedOver} is newer, but is not whole`,
      });
    for (const [source, snapshot] of chosen.snapshots)
      if (!isGood(snapshot) || isRepaired(snapshot))
        onEvent({
          type: 'warning',
          subject: task.job,
          text: `run ${chosen.run} did not store ${source} whole: it is drilled as it is`,
        });
    const drillOne = (subject: DrillSubject) =>
      drillSubject(drilling, subject, { repository: opened, snapshot: snapshotIn(chosen, subject) }, context);
    return { chosen, outcomes: await drillAll(subjects, drillOne, signal) };
  });
  const asked = await ask(task, chosen, drilling, context);
  const point: DrilledPoint = {
    ...{ run: drilling.run, job: task.job, repository: repository.name },
    ...{ point: chosen.run, pointTime: chosen.time, sources: sourcesOf(subjects) },
    ...{ startedAt, endedAt: clock.now(), state: stateOf(outcomes, asked) },
    ...asked,
  };
  return { outcomes, point };
};

const sourcesOf = (subjects: readonly DrillSubject[]): string[] => subjects.map(({ source }) => source);

const snapshotIn = ({ run, snapshots }: RestorePoint, { source }: DrillSubject): Snapshot => {
  const snapshot = snapshots.get(source);
  if (snapshot) return snapshot;
  throw new HoldfastError('SNAPSHOT_UNKNOWN', `run ${run} has no snapshot of ${source}`);
};

type Asked = Pick<DrilledPoint, 'queries' | 'error'>;

/** A repository that went away says nothing of the point. */
const ask = async (
  { job, across }: PointTask,
  point: RestorePoint,
  { repository }: Drilling,
  context: JobContext,
): Promise<Asked> => {
  try {
    const { queries, error } = await askAcross(point, { queries: across, repository, job }, context);
    return { queries, ...(error && { error: errorReport(error) }) };
  } catch (error) {
    throwIfCancelled(context.signal);
    return { queries: [], error: errorReport(error) };
  }
};

const stateOf = (outcomes: readonly DrillOutcome[], { queries, error }: Asked): DrilledPoint['state'] => {
  if (outcomes.some(differs) || queries.some(isWrong)) return 'differs';
  return error === undefined && outcomes.every(hasPassed) ? 'passed' : 'failed';
};

const isWrong = ({ passed }: QueryRecord): boolean => !passed;

/** Whether there is more to it than its sources. */
export const wasAsked = ({ queries, error }: DrilledPoint): boolean =>
  queries.length > 0 || error !== undefined;

/** What is wrong with the point beside its sources; undefined where nothing is. */
export const errorAcross = ({ job, queries, error }: DrilledPoint): HoldfastError | undefined => {
  const wrong = queries.find(isWrong);
  if (wrong === undefined)
    return (
      error && new HoldfastError(errorCode(error.code), `${job}: ${error.message}`, { hint: error.hint })
    );
  const text = `${job}: ${wrong.query}: ${wrong.found}, expected was ${wrong.expected}`;
  return new HoldfastError('DIFFERENCE_FOUND', text, { hint: whenAcrossDiffers });
};

/** What to do where sources that are whole do not fit each other. */
export const whenAcrossDiffers =
  'its sources may be of different moments: see `together` in docs/restore-points.md; or the queries ask for the wrong thing';
