// Snapshots from one repository into another; what is there already is neither read nor stored again.
import { throwIfCancelled } from '#lib/clock.ts';
import type { CopyReport, Repository, Snapshot } from '#repository/contract.ts';
import type { JobContext } from './backup.ts';
import { originOf } from './snapshot-choice.ts';

export type CopyOutcome =
  | { readonly state: 'copied'; readonly snapshot: Snapshot; readonly report: CopyReport }
  | { readonly state: 'there'; readonly snapshot: Snapshot; readonly copy: Snapshot };

/** Copies each, oldest first, and yields how it went. */
export async function* copySnapshots(
  from: Repository,
  to: Repository,
  snapshots: readonly Snapshot[],
  { signal, onEvent }: Pick<JobContext, 'signal' | 'onEvent'>,
  rechunk = false,
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
    const report = await to.copyFrom(from, snapshot, {
      rechunk,
      signal,
      onProgress: (progress) => onEvent({ type: 'progress', subject, progress }),
    });
    yield { state: 'copied', snapshot, report };
  }
}

/** The same content under the same name, whatever tags either has got since; its tree is another one when files are cut anew. */
const isCopy = (snapshot: Snapshot, other: Snapshot, rechunk: boolean): boolean =>
  (rechunk || snapshot.tree === other.tree) &&
  (snapshot.original ?? snapshot.id) === (other.original ?? other.id);
