// Snapshots from one repository into another; what is there already is neither read nor stored again.
import { throwIfCancelled } from '#lib/clock.ts';
import { hasCode } from '#lib/errors.ts';
import type { Progress } from '#lib/progress.ts';
import type { CopyReport, Repository, Snapshot } from '#repository/contract.ts';
import type { JobContext } from './job-context.ts';
import { originOf } from './snapshot-choice.ts';

export type CopyOutcome =
  | { readonly state: 'copied'; readonly snapshot: Snapshot; readonly report: CopyReport }
  | { readonly state: 'there'; readonly snapshot: Snapshot; readonly copy: Snapshot };

interface CopyWishes {
  readonly rechunk?: boolean;
  /** Told of a snapshot that is damaged, and the others are copied; without it, that is an error. */
  readonly onDamaged?: (snapshot: Snapshot, error: Error) => void;
}

/** Copies each, oldest first, and yields how it went. */
export async function* copySnapshots(
  from: Repository,
  to: Repository,
  snapshots: readonly Snapshot[],
  { signal, onEvent }: Pick<JobContext, 'signal' | 'onEvent'>,
  { rechunk = false, onDamaged }: CopyWishes = {},
): AsyncGenerator<CopyOutcome> {
  const there = await to.snapshots();
  for (const snapshot of snapshots) {
    throwIfCancelled(signal);
    const copy = there.find((other) => isCopy(snapshot, other, rechunk));
    if (copy) {
      yield { state: 'there', snapshot, copy };
      continue;
    }
    const subject = originOf(snapshot);
    const onProgress = (progress: Progress): void => onEvent({ type: 'progress', subject, progress });
    const copying = to.copyFrom(from, snapshot, { rechunk, signal, onProgress });
    const report = await copying.catch((error: unknown) => {
      if (!onDamaged || !hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      onDamaged(snapshot, error);
      return undefined;
    });
    if (report) yield { state: 'copied', snapshot, report };
  }
}

/** The same content under the same name, whatever tags either has got since; its tree is another one when files are cut anew. */
const isCopy = (snapshot: Snapshot, other: Snapshot, rechunk: boolean): boolean =>
  (rechunk || snapshot.tree === other.tree) &&
  (snapshot.original ?? snapshot.id) === (other.original ?? other.id);
