// Which archives are kept: the rules for snapshots, read from names and times in the store.

import type { KeepRules } from '#config/keep.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { applyRetention } from '../retention.ts';
import { checksumOf, type OwnFile, type OwnFiles, ownFiles, removeFile } from './files.ts';

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
  for (const { file, reasons } of verdicts) {
    throwIfCancelled(signal);
    if (reasons.length > 0) continue;
    if ((await checksumOf(store, file.key)) !== undefined) await removeFile(store, file.key);
  }
  return verdicts;
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
