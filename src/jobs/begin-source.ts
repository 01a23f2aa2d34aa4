// Sources that are open and begun to be read: each in its turn, or all of a run that can be held at once, so that their states are of one moment.
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { canDo } from '#sources/abilities.ts';
import { comparesRows } from '#sources/increments.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import type { Entry, Finding } from '#sources/source.ts';
import type { OnJobEvent } from './event.ts';
import type { JobContext } from './job-context.ts';
import { isGood, isOfPartialBackup, tagOf } from './snapshot-choice.ts';
import { commonPrevious } from './tee.ts';

/** A repository that is open, and its name for messages. */
export interface BackupTarget {
  readonly name: string;
  readonly repository: Repository;
}

/** One that cannot take the source. */
interface Refused {
  readonly target: BackupTarget;
  readonly ended: Error;
}

/** One that can. */
export interface Ready {
  readonly target: BackupTarget;
  readonly parent: Snapshot | undefined;
  readonly earlier: readonly Snapshot[];
}

/** A source that is open, as it was at that time, and the repositories that can take it. */
export interface Begun extends AsyncDisposable {
  readonly time: Date;
  readonly failed: readonly Refused[];
  readonly ready: readonly Ready[];
  readonly entries: AsyncIterable<Entry>;
  readonly concurrency: number;
}

/** What is to be backed up, as far as it matters for a beginning. */
interface Beginning {
  readonly targets: readonly BackupTarget[];
  readonly dryRun: boolean;
}

export interface HeldRequest extends Beginning {
  readonly sources: readonly SourceConfig[];
  /** The states of all that can be held are taken at once, and `onHeld` is called when they stand: what fails there fails all. */
  readonly together?: boolean | undefined;
  readonly onHeld?: (() => Promise<void>) | undefined;
}

/** Of one that is held, `heldAt`, the first entry has come when this resolves. */
export const beginSource = async (
  { targets, dryRun }: Beginning,
  source: SourceConfig,
  { signal, clock, log, onEvent }: JobContext,
  heldAt?: Date,
): Promise<Begun> => {
  const time = heldAt ?? clock.now();
  const found = await Promise.all(targets.map((target) => parentIn(target, source)));
  const failed = found.filter((one) => 'ended' in one);
  const ready = found.filter((one) => 'parent' in one);
  throwIfCancelled(signal);
  if (ready.length === 0) return { ...nothing, time, failed };
  const opened = await openSource(source, { signal, clock, log });
  let closing: PromiseLike<void> | undefined;
  const close = (): PromiseLike<void> => (closing ??= opened[Symbol.asyncDispose]());
  try {
    if (dryRun) reportFindings(source.name, await opened.check(), onEvent);
    const previous = commonPrevious(
      ready.map(({ target, parent }) => parent && target.repository.previous(parent, source.name)),
    );
    const dump = opened.dump(previous, { allAtOnce: heldAt !== undefined });
    const entries = heldAt ? await withFirst(dump) : dump;
    const { concurrency } = opened;
    return { time, failed, ready, entries, concurrency, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
};

const nothing: Omit<Begun, 'time' | 'failed'> = {
  ready: [],
  entries: (async function* () {})(),
  concurrency: 1,
  async [Symbol.asyncDispose]() {},
};

/** The same entries, the first of which has come. */
const withFirst = async (entries: AsyncIterable<Entry>): Promise<AsyncIterable<Entry>> => {
  const iterator = entries[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let result = first; !result.done; result = await iterator.next()) yield result.value;
    } finally {
      await iterator.return?.();
    }
  })();
};

export interface Held extends AsyncDisposable {
  /** Undefined for one that is begun in its turn. Throws why one that was to be held is not. */
  take(source: SourceConfig): Begun | undefined;
}

export const canBeHeld = (source: SourceConfig): boolean =>
  canDo(source.kind, 'moment', Object.keys(source.toJSON()));

/** Of a run that is together, all sources that have a state to hold. */
export const holdAll = async (request: HeldRequest, context: JobContext): Promise<Held> => {
  const holders = request.together ? request.sources.filter(canBeHeld) : [];
  const held = new Map<SourceConfig, Begun | Error>();
  let stopped: Error | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([...held.values()].map((one) => !(one instanceof Error) && one[Symbol.asyncDispose]()));
  };
  if (holders.length > 0) {
    const heldAt = context.clock.now();
    const subject = holders.map(({ name }) => name).join(', ');
    context.onEvent({ type: 'started', subject, doing: 'opening all, before any is read' });
    const begin = (source: SourceConfig): Promise<Begun | Error> =>
      beginSource(request, source, context, heldAt).catch(asError);
    await Promise.all(holders.map(async (source) => void held.set(source, await begin(source))));
    try {
      throwIfCancelled(context.signal);
      await request.onHeld?.();
    } catch (error) {
      await close();
      throwIfCancelled(context.signal);
      stopped = asError(error);
    }
  }
  return {
    take(source) {
      const found = stopped ?? held.get(source);
      if (found instanceof Error) throw found;
      return found;
    },
    [Symbol.asyncDispose]: close,
  };
};

const parentIn = async (target: BackupTarget, source: SourceConfig): Promise<Ready | Refused> => {
  try {
    const snapshots = await target.repository.snapshots();
    assertNameIsFree(snapshots, source, target);
    const earlier = ownSnapshots(snapshots, source);
    return { target, parent: parentAmong(earlier, source), earlier };
  } catch (error) {
    return { target, ended: asError(error) };
  }
};

/**
 * What the backup goes on from: the last snapshot that is good. Rows are stored beside those of any, and a source that is partial each night
 * would store its tables whole each night; but the first flawed one after a good one may lack a table, or its rows, for once.
 */
const parentAmong = (earlier: readonly Snapshot[], source: SourceConfig): Snapshot | undefined => {
  const newest = earlier.at(-1);
  if (newest === undefined || isOfPartialBackup(newest)) return newest;
  if (!comparesRows(source)) return earlier.findLast(isGood);
  return earlier.slice(-2).findLast(isGood) ?? newest;
};

/** Two places that would share a name would be one source, and the snapshots of one could be forgotten for those of the other. */
const assertNameIsFree = (
  snapshots: readonly Snapshot[],
  { name, place }: SourceConfig,
  target: BackupTarget,
): void => {
  if (place === undefined) return;
  const named = snapshots.filter((one) => isFromHere(one, name));
  const other = named.map((one) => tagOf(one, 'place')).findLast((each) => each !== undefined);
  if (other === undefined || other === place) return;
  throw new HoldfastError('USAGE', `"${name}" is the name of ${other} in ${target.name} already`, {
    hint: `give ${place} a name of its own with --name; or, if it is the same in another place, say --name ${name}`,
  });
};

const isFromHere = (snapshot: Snapshot, name: string): boolean =>
  tagOf(snapshot, 'source') === name && snapshot.hostname === machineName();

/** The snapshots of the source from this machine. */
const ownSnapshots = (snapshots: readonly Snapshot[], { name, kind }: SourceConfig): Snapshot[] =>
  snapshots.filter((snapshot) => isFromHere(snapshot, name) && tagOf(snapshot, 'kind') === kind);

const reportFindings = (name: string, findings: readonly Finding[], onEvent: OnJobEvent): void => {
  for (const { level, subject, message, hint } of findings)
    onEvent({
      type: 'warning',
      subject: name,
      text: `${level === 'error' ? 'would fail: ' : ''}${subject}: ${message}`,
      ...(hint !== undefined && { hint }),
    });
};
