// The snapshots of a sender that have arrived in a repository, with what their manifests say of the sender's history.
import { type Clock, throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type Mark, positions } from '#sources/receiver.ts';
import { manifestsOf, plainKinds } from '../manifests.ts';
import { isGood, matching, partialName, tagOf } from '../snapshot-choice.ts';
import type { ChangesState, State } from './plan.ts';
import { credible, isStillToCome } from './wrong-clock.ts';

export interface ArrivedState extends State {
  readonly snapshot: Snapshot;
  /** The databases in it, by their own names. */
  readonly databases: readonly string[];
}

export interface ArrivedChanges extends ArrivedState, ChangesState {}

export interface Arrived {
  /** The newest good complete one; none when it is the one that the receiver rests on. */
  readonly wholes: readonly ArrivedState[];
  readonly changes: readonly ArrivedChanges[];
  /** Dated by a clock that was wrong, and passed over. */
  readonly ahead: readonly Snapshot[];
  /** There is no snapshot of the sender, whether good or not. */
  readonly isEmpty: boolean;
}

export interface Sender {
  readonly source: string;
  readonly host?: string | undefined;
}

/** What is new for a receiver with this mark. Manifests are read of nothing else. */
export const arrivedSince = async (
  repository: Repository,
  sender: Sender,
  mark: Mark | undefined,
  { clock, signal }: Reading,
): Promise<Arrived> => {
  const now = clock.now();
  const { whole, partial, ahead, isEmpty } = newestOf(await repository.snapshots(), sender, now);
  const isNewWhole = whole !== undefined && (mark === undefined || idOf(whole) !== mark.base.snapshot);
  const wholes = isNewWhole ? [crediblyTaken(await stateOf(repository, whole, signal), now)] : [];
  const since = Math.min(
    ...[whole?.time, mark && new Date(mark.time)].flatMap((time) => time?.getTime() ?? []),
  );
  const changes: ArrivedChanges[] = [];
  for (const snapshot of partial) {
    throwIfCancelled(signal);
    if (snapshot.time.getTime() <= since || idOf(snapshot) === mark?.snapshot) continue;
    const state = await changesOf(repository, snapshot, signal);
    if (state && !isStillToCome(state.takenAt, now)) changes.push(state);
  }
  return { wholes, changes, ahead, isEmpty };
};

export interface Reading {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The newest good complete snapshot of a sender, its partial ones, and apart from them all that are dated ahead; oldest first. */
export const newestOf = (
  all: readonly Snapshot[],
  sender: Sender,
  now: Date,
): {
  readonly whole: Snapshot | undefined;
  readonly partial: readonly Snapshot[];
  readonly ahead: readonly Snapshot[];
  readonly isEmpty: boolean;
} => {
  const isAhead = ({ time }: Snapshot): boolean => isStillToCome(time, now);
  const complete = ofSender(all, sender);
  const partial = ofSender(all, { ...sender, source: partialName(sender.source) });
  return {
    whole: complete.findLast((snapshot) => isGood(snapshot) && !isAhead(snapshot)),
    partial: partial.filter((snapshot) => !isAhead(snapshot)),
    ahead: [...complete, ...partial].filter(isAhead),
    isEmpty: complete.length + partial.length === 0,
  };
};

/** A database server whose clock is wrong dates what it gives ahead; the backup itself was made when its machine says. */
const crediblyTaken = (state: ArrivedState, now: Date): ArrivedState => ({
  ...state,
  takenAt: credible(state.takenAt, now, state.snapshot.time),
  settledAt: credible(state.settledAt, now, new Date(0)),
});

/** The id under which it was first stored: a copy has another. */
export const idOf = ({ id, original }: Snapshot): string => original ?? id;

/** Oldest first. USAGE when several machines call a source so, and it was not said which. */
const ofSender = (all: readonly Snapshot[], { source, host }: Sender): Snapshot[] => {
  const found = matching(all, { source, host });
  const hosts = [...new Set(found.map(({ hostname }) => hostname))];
  if (hosts.length <= 1) return found;
  throw new HoldfastError('USAGE', `${source} could be of any of these hosts: ${hosts.join(', ')}`, {
    hint: 'say which, as `host` beside `source`',
  });
};

const stateOf = async (
  repository: Repository,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<ArrivedState> => {
  const found = plainKinds.includes(tagOf(snapshot, 'kind'))
    ? []
    : await manifestsOf(repository, snapshot, signal);
  const databases = found.map(({ manifest }) => manifest.database);
  // Of several databases the one that was read first says how fresh all of them are.
  const taken = found.map(({ manifest }) => new Date(manifest.capturedAt));
  const settled = found.map(
    ({ manifest }) => new Date(manifest.position[positions.settled] ?? manifest.capturedAt),
  );
  return {
    snapshot,
    databases,
    takenAt: earliest(taken) ?? snapshot.time,
    settledAt: earliest(settled) ?? snapshot.time,
  };
};

/** Undefined for one in which rows are missing. */
const changesOf = async (
  repository: Repository,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<ArrivedChanges | undefined> => {
  const state = await stateOf(repository, snapshot, signal);
  const [found] = await manifestsOf(repository, snapshot, signal);
  const from = found?.manifest.position[positions.from];
  return from === undefined || found?.manifest.missing.length !== 0
    ? undefined
    : { ...state, from: new Date(from) };
};

const earliest = (times: readonly Date[]): Date | undefined =>
  times.toSorted((a, b) => a.getTime() - b.getTime())[0];
