// One receiver: whatever has arrived for it is loaded beside what readers see, or applied to it.
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type Mark, type Receiver, type Receiving, receiverOf } from '#sources/receiver.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import type { Source } from '#sources/source.ts';
import type { JobContext } from '../job-context.ts';
import { partialKind, partialName, tagOf } from '../snapshot-choice.ts';
import { type ArrivedChanges, type ArrivedState, arrivedSince, idOf } from './arrived.ts';
import { takeFiles } from './changed-files.ts';
import { assertRoom, type FreeFloor, whileRoom } from './free-floor.ts';
import { type Have, planReceipt } from './plan.ts';
import { haveOf, warnOfAhead } from './wrong-clock.ts';

export interface Reception {
  /** As the sender calls it. */
  readonly source: string;
  /** The machine that made the snapshots, where several have a source of that name. */
  readonly host?: string | undefined;
  readonly into: SourceConfig;
  /** Where files go that partial snapshots bring. */
  readonly files?: string | undefined;
}

/** What was done, and what readers see now. */
export interface Receipt {
  /** Ids of the snapshots that were taken in, in order. */
  readonly wholes: readonly string[];
  readonly changes: readonly string[];
  readonly rows: number;
  readonly mark: Mark;
  /** Newer changes wait for something that is missing before them. */
  readonly gap: boolean;
  /** Why newer changes could not be applied, although a complete snapshot was; or that none will come. */
  readonly error?: Error;
}

/** SNAPSHOT_UNKNOWN when nothing was ever received and nothing is there. `seenAt` tells when a mark was met first. */
export const receiveSource = async (
  repository: Repository,
  reception: Reception,
  { floors, seenAt }: { readonly floors: readonly FreeFloor[]; readonly seenAt: (mark: Mark) => Date },
  context: JobContext,
): Promise<Receipt> => {
  const { source, into } = reception;
  const { signal, clock, log } = context;
  await using target = await openSource(into, { signal, clock, log });
  const receiver = requireReceiver(target, into);
  await using receiving = await receiver.openReceiving();
  const { mark } = receiving;
  const arrived = await arrivedSince(repository, reception, mark, context);
  warnOfAhead(source, arrived.ahead, context);
  const changes = receiver.takesChanges ? arrived.changes : [];
  const have = mark && haveOf(mark, clock.now(), seenAt(mark));
  const plan = planReceipt(have, arrived.wholes, changes);
  const step: Step = { repository, reception, floors, context, receiving };
  if (plan.whole) await load(step, plan.whole);
  const base = plan.whole ? markOf(plan.whole).base : receiving.mark?.base;
  if (base === undefined) throw nothingThere(source);
  const done = await applyAll(step, plan.changes, base);
  const reached = done.applied.at(-1) ?? plan.whole;
  if (done.error && !(plan.whole && reached && isForward(reached, have))) throw done.error;
  if (plan.whole) await receiving.publish();
  const error = done.error ?? (arrived.isEmpty ? noneLeft(source) : undefined);
  return {
    wholes: plan.whole ? [idOf(plan.whole.snapshot)] : [],
    changes: done.applied.map(({ snapshot }) => idOf(snapshot)),
    rows: done.rows,
    mark: receiving.mark as Mark,
    gap: plan.gap,
    ...(error && { error }),
  };
};

interface Step {
  readonly repository: Repository;
  readonly reception: Reception;
  readonly floors: readonly FreeFloor[];
  readonly context: JobContext;
  readonly receiving: Receiving;
}

/** UNSUPPORTED of a kind that nothing can be received into. */
const requireReceiver = (source: Source, { name, kind }: SourceConfig): Receiver => {
  const receiver = receiverOf(source);
  if (receiver) return receiver;
  throw new HoldfastError('UNSUPPORTED', `${name}: nothing can be received into sources of kind ${kind}`, {
    hint: 'docs/receive.md says which kinds can; restore into it with `holdfast restore`',
  });
};

const isForward = ({ takenAt }: ArrivedState, have: Have | undefined): boolean =>
  have === undefined || takenAt >= have.takenAt;

const load = async (
  { repository, reception, floors, context, receiving }: Step,
  whole: ArrivedState,
): Promise<void> => {
  const { source, into } = reception;
  const { snapshot } = whole;
  requireKind(snapshot, into.kind, into);
  const expected = snapshot.summary?.totalBytesProcessed ?? 0;
  assertRoom(floors, expected);
  const { onEvent, signal } = context;
  onEvent({ type: 'started', subject: source, doing: `loading snapshot ${shortId(snapshot.id)}` });
  const entries = repository.read(snapshot, { root: source, signal });
  const report = await receiving.load(whileRoom(entries, floors), {
    mark: markOf(whole),
    databases: whole.databases,
    onProgress: ({ bytes, entries: items, current }) =>
      onEvent({
        type: 'progress',
        subject: source,
        progress: {
          phase: 'receiving',
          bytes,
          items,
          current,
          ...(expected > 0 && { totalBytes: expected }),
        },
      }),
  });
  for (const text of report.warnings) onEvent({ type: 'warning', subject: source, text });
};

/** One after the other, until one fails. */
const applyAll = async (
  { repository, reception, floors, context: { signal, onEvent }, receiving }: Step,
  changes: readonly ArrivedChanges[],
  base: Mark['base'],
): Promise<{
  readonly applied: readonly ArrivedChanges[];
  readonly rows: number;
  readonly error?: Error;
}> => {
  const { source, files, into } = reception;
  const applied: ArrivedChanges[] = [];
  let rows = 0;
  for (const change of changes) {
    throwIfCancelled(signal);
    const { snapshot } = change;
    try {
      requireKind(snapshot, partialKind(into.kind), into);
      assertRoom(floors, snapshot.summary?.totalBytesProcessed ?? 0);
      onEvent({ type: 'started', subject: source, doing: `applying snapshot ${shortId(snapshot.id)}` });
      const entries = repository.read(snapshot, { root: partialName(source), signal });
      const done = await receiving.apply(takeFiles(entries, files, signal), {
        ...markOf(change),
        base,
        whole: false,
      });
      rows += done.rows;
    } catch (error) {
      throwIfCancelled(signal);
      return { applied, rows, error: asError(error) };
    }
    applied.push(change);
  }
  return { applied, rows };
};

/** Of a complete snapshot. */
const markOf = ({ snapshot, takenAt, settledAt }: ArrivedState): Mark => {
  const begin = {
    snapshot: idOf(snapshot),
    time: snapshot.time.toISOString(),
    takenAt: takenAt.toISOString(),
  };
  return { ...begin, whole: true, settledAt: settledAt.toISOString(), base: begin };
};

const requireKind = (snapshot: Snapshot, kind: string, into: SourceConfig): void => {
  const own = tagOf(snapshot, 'kind') ?? 'files';
  if (own === kind) return;
  throw new HoldfastError(
    'USAGE',
    `snapshot ${shortId(snapshot.id)} is of kind ${own}, and ${into.name} is ${into.kind}`,
    { hint: 'receive into a source of the kind that was backed up' },
  );
};

const nothingThere = (source: string): HoldfastError =>
  new HoldfastError('SNAPSHOT_UNKNOWN', `there is no complete snapshot of ${source} to begin with`, {
    hint: 'it is made by a backup job without `partial` on the sending machine',
  });

/** Nothing new would ever come, and nobody would notice: the receiver has what it has. */
const noneLeft = (source: string): HoldfastError =>
  new HoldfastError('SNAPSHOT_UNKNOWN', `there is no snapshot of ${source} any more`, {
    hint: 'see `holdfast snapshots`: has the sender given the source another name, or does it store elsewhere? what readers see was left as it was',
  });
