// Of a table that lies in several files, such as the ranges of a large one, those that two snapshots do not have in common.
import { createHash } from 'node:crypto';
import type { Repository } from '#repository/contract.ts';
import type { TableSide } from './pair-tables.ts';
import type { Sides } from './unmatched.ts';

/** The paths of the table's files on both sides, without those that have the same content there: their rows are the same. */
export const unsharedFiles = async (
  repository: Repository,
  [before, after]: Sides<TableSide>,
  signal: AbortSignal,
): Promise<Sides<readonly string[]>> => {
  if (before.paths.length < 2 || after.paths.length < 2) return [before.paths, after.paths];
  const older = await contentsOf(repository, before, signal);
  const newer = await contentsOf(repository, after, signal);
  const twins = Map.groupBy(newer.keys(), (path) => newer.get(path));
  const own = [...older.keys()].filter((path) => twins.get(older.get(path))?.pop() === undefined);
  return [own, [...twins.values()].flat().toSorted()];
};

/** What stands for the content of each file that has any, by path. */
const contentsOf = async (
  repository: Repository,
  { snapshot, paths }: TableSide,
  signal: AbortSignal,
): Promise<Map<string, string>> => {
  const contents = new Map<string, string>();
  for (const path of paths)
    for await (const { blobs } of repository.list(snapshot, { path, signal })) {
      const digest = createHash('sha256');
      for (const id of blobs) digest.update(id);
      if (blobs.length > 0) contents.set(path, digest.digest('hex'));
    }
  return contents;
};
