// Which archives are kept: the rules for snapshots, read from names and times in the store.

import type { KeepRules } from '#config/keep.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { applyRetention } from '../retention.ts';
import { checksumsOf, type OwnFile, type OwnFiles, ownFiles, removeFile } from './files.ts';

export interface FileVerdict {
  readonly file: OwnFile;
  /** Why it is kept; a file without a reason is removed. */
  readonly reasons: readonly string[];
}

/** Removes the job's own files that the rules do not keep, and says what became of each. */
export const retainFiles = async (
  store: Store,
  own: OwnFiles,
  rules: KeepRules,
  { clock, signal }: Pick<JobContext, 'clock' | 'signal'>,
): Promise<FileVerdict[]> => {
  const files = await ownFiles(store, own);
  const verdicts = judge(files, rules, clock.now());
  const done: FileVerdict[] = [];
  for (const verdict of verdicts) {
    throwIfCancelled(signal);
    const { file, reasons } = verdict;
    const isOurs = reasons.length > 0 || (await checksumsOf(store, file.key)).length > 0;
    if (isOurs && reasons.length === 0) await removeFile(store, file.key);
    done.push(isOurs ? verdict : { file, reasons: ['its checksum is not of our making'] });
  }
  return done;
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
