// One run of a receive job: every receiver gets what has arrived for it, and it is remembered how far each is behind.
import { errorReport } from '#catalog/run.ts';
import type { RepositoryConfig } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import type { Repository } from '#repository/contract.ts';
import type { Mark } from '#sources/receiver.ts';
import type { JobContext } from '../job-context.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, ok, partial, together } from '../run-outcome.ts';
import { withRepository } from '../use-repository.ts';
import { type Fetching, fetchInto, forgetFetched } from './fetch.ts';
import type { FreeFloor } from './free-floor.ts';
import { formatLag } from './lag.ts';
import { type Receipt, type Reception, receiveSource } from './receive-source.ts';
import { credible } from './wrong-clock.ts';

export interface ReceiveTask {
  readonly job: string;
  readonly from: RepositoryConfig;
  readonly receptions: readonly Reception[];
  /** A repository of one's own that everything is fetched into first. */
  readonly fetching?: Fetching | undefined;
  readonly floors: readonly FreeFloor[];
  /** How far a receiver may be behind. */
  readonly maxLagMs?: number | undefined;
}

/** How one receiver fared: with what it has now, or because it could not take anything in. */
export type ReceiveOutcome = { readonly source: string; readonly into: string } & (
  | { readonly receipt: Receipt; readonly lagMs: number; readonly error?: Error }
  | { readonly error: Error }
);

export interface ReceiveRun extends Ended {
  readonly id: string;
  readonly outcomes: readonly ReceiveOutcome[];
}

/** One that fails does not stop the others. Throws only when cancelled. */
export const runReceive = (task: ReceiveTask, context: RunContext): Promise<ReceiveRun> =>
  recorded({ verb: 'receive', job: task.job }, context, async ({ id, record, watched }) => {
    const outcomes = await receiveAll(task, watched);
    const errors = outcomes.flatMap(({ error }) => error ?? []);
    const ended = together(outcomes.map(endOf));
    record?.end(ended, [], errors[0]);
    return { ...ended, id, outcomes };
  });

/** A receiver that took in what had arrived has not failed, however far behind that leaves it. */
export const endOf = (outcome: ReceiveOutcome): Ended => {
  if (!outcome.error) return ok;
  const { wholes, changes } = 'receipt' in outcome ? outcome.receipt : { wholes: [], changes: [] };
  const hasTaken = whyNotTakenIn(outcome) === undefined && wholes.length + changes.length > 0;
  return hasTaken ? partial : failed(outcome.error);
};

const receiveAll = async (task: ReceiveTask, context: RunContext): Promise<ReceiveOutcome[]> => {
  const outcomes: ReceiveOutcome[] = [];
  try {
    await withSnapshots(task, context, async (repository) => {
      for (const reception of task.receptions)
        outcomes.push(await receiveOne(task, repository, reception, context));
    });
  } catch (error) {
    throwIfCancelled(context.signal);
    for (const { into } of task.receptions) rememberTurn(task, into.name, asError(error), context);
    throw error;
  }
  for (const outcome of outcomes) rememberTurn(task, outcome.into, whyNotTakenIn(outcome), context);
  if (task.fetching) await forgetFetched(task.fetching, task.receptions, context);
  return outcomes;
};

const rememberTurn = (
  { job }: ReceiveTask,
  target: string,
  error: Error | undefined,
  { catalog, clock }: RunContext,
): void => catalog?.received.recordTurn({ job, target }, clock.now(), error && errorReport(error));

/** A receiver that is too far behind may well have taken in all that there is. */
const whyNotTakenIn = (outcome: ReceiveOutcome): Error | undefined =>
  'receipt' in outcome ? outcome.receipt.error : outcome.error;

/** The repository itself, or our own with all that we need of it. */
const withSnapshots = async (
  { from, fetching, receptions }: ReceiveTask,
  context: JobContext,
  work: (repository: Repository) => Promise<void>,
): Promise<void> => {
  if (fetching === undefined) return await withRepository(from, { lock: 'shared' }, context, work);
  await withRepository(fetching.repository, { lock: 'shared' }, context, async (own) => {
    // What was fetched before can be taken in although the other side cannot be reached now.
    let unreachable: unknown;
    try {
      await withRepository(from, { lock: 'shared' }, context, (theirs) =>
        fetchInto(own, theirs, receptions, context),
      );
    } catch (error) {
      throwIfCancelled(context.signal);
      unreachable = error;
    }
    await work(own);
    if (unreachable !== undefined) throw unreachable;
  });
};

const receiveOne = async (
  { job, floors, maxLagMs }: ReceiveTask,
  repository: Repository,
  reception: Reception,
  context: RunContext,
): Promise<ReceiveOutcome> => {
  const { source } = reception;
  const into = reception.into.name;
  try {
    const last = context.catalog?.received.all().find((each) => each.job === job && each.target === into);
    const seenAt = ({ snapshot }: Mark): Date => {
      const now = context.clock.now();
      return last?.snapshot === snapshot && last.receivedAt < now ? last.receivedAt : now;
    };
    const receipt = await receiveSource(repository, reception, { floors, seenAt }, context);
    const { snapshot, whole } = receipt.mark;
    const now = context.clock.now();
    const receivedAt = seenAt(receipt.mark);
    const takenAt = credible(new Date(receipt.mark.takenAt), now, receivedAt);
    context.catalog?.received.record({
      ...{ job, source, target: into, snapshot, whole },
      ...{ takenAt, receivedAt },
    });
    const lagMs = Math.max(0, now.getTime() - takenAt.getTime());
    const error = receipt.error ?? tooFarBehind(into, lagMs, maxLagMs, receipt.gap);
    return { source, into, receipt, lagMs, ...(error && { error }) };
  } catch (error) {
    throwIfCancelled(context.signal);
    return { source, into, error: asError(error) };
  }
};

const tooFarBehind = (
  into: string,
  lagMs: number,
  maxLagMs: number | undefined,
  gap: boolean,
): HoldfastError | undefined => {
  if (maxLagMs === undefined || lagMs <= maxLagMs) return undefined;
  return new HoldfastError(
    'FAILED',
    `${into} is ${formatLag(lagMs)} behind, and may be ${formatLag(maxLagMs)}`,
    {
      hint: gap
        ? 'a partial snapshot is missing: the next complete one will close the gap'
        : 'nothing newer has arrived: look at the jobs of the sending machine',
    },
  );
};
