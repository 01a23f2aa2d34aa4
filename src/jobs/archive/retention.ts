// Which archives are kept: the rules for snapshots, read from names and times in the store.

import type { KeepRules } from '#config/keep.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { applyRetention } from '../retention.ts';
import { hasOurChecksum } from './checksum.ts';
import { filesLikeOwn, type OwnFile, type OwnFiles, removeFile } from './files.ts';

export interface FileVerdict {
  readonly file: OwnFile;
  /** Why it is kept; a file without a reason is removed. */
  readonly reasons: readonly string[];
}

export interface Retained {
  readonly verdicts: readonly FileVerdict[];
  /** What has names like those of the job's own files, and is not known to be of them. */
  readonly left: readonly OwnFile[];
}

/** Removes the job's own files that the rules do not keep, and says what became of each. */
export const retainFiles = async (
  store: Store,
  own: OwnFiles,
  rules: KeepRules,
  { clock, signal }: Pick<JobContext, 'clock' | 'signal'>,
): Promise<Retained> => {
  const files = await filesLikeOwn(store, own);
  const isOwn = ({ whose }: OwnFile): boolean => whose === 'ours';
  const done: FileVerdict[] = [];
  for (const verdict of judge(files.filter(isOwn), rules, clock.now())) {
    throwIfCancelled(signal);
    const { file, reasons } = verdict;
    const isOurs = reasons.length > 0 || (await hasOurChecksum(store, file.key));
    if (isOurs && reasons.length === 0) await removeFile(store, file.key);
    done.push(isOurs ? verdict : { file, reasons: ['its checksum is not of our making'] });
  }
  return { verdicts: done, left: files.filter((file) => !isOwn(file)) };
};

/** The files as if they were snapshots of as many sources as there are groups. */
const judge = (files: readonly OwnFile[], rules: KeepRules, now: Date): FileVerdict[] => {
  const byId = new Map(files.map((file) => [file.key, file]));
  return applyRetention(files.map(asSnapshot), rules, now).flatMap(({ snapshot, reasons }) => {
    const file = byId.get(snapshot.id);
    return file ? [{ file, reasons }] : [];
  });
};

const asSnapshot = ({ key, time, group }: OwnFile): Snapshot => ({
  id: key,
  time,
  tree: '',
  paths: [],
  hostname: machineName(),
  username: '',
  tags: [`source:${group}`],
});
