// What only the tags of a snapshot say that it lacks.
import type { Snapshot } from '#repository/contract.ts';
import { isPartial, isRepaired, tagOf } from './snapshot-choice.ts';

/** How a repaired snapshot differs from what was captured. Not even a manifest may be left that would tell of it. */
export const lostInRepair = (snapshot: Snapshot): string[] =>
  isRepaired(snapshot) ? ['it was repaired: what could not be saved is not in it'] : [];

/** Items that a backup could not capture and no manifest names, as of files. */
export const missingUnnamed = (snapshot: Snapshot): string[] => {
  if (!isPartial(snapshot) || isRepaired(snapshot)) return [];
  const run = tagOf(snapshot, 'run');
  return [`items, which ${run === undefined ? 'the run' : `holdfast runs ${run}`} names`];
};
