// How much room is left where a repository lies, and for how long it will do.
import { statfs } from 'node:fs/promises';
import type { RepositoryConfig } from '#config/config.ts';
import { systemCode } from '#lib/errors.ts';
import { openStore } from '#stores/registry.ts';
import { localFolderOf } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';

export interface Space {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Of the file system that the folder is on; undefined for stores elsewhere, which do not say. */
export const spaceOf = async (
  { name, store }: RepositoryConfig,
  { signal, clock, log, storeOptions }: Omit<JobContext, 'onEvent'>,
): Promise<Space | undefined> => {
  await using opened = await openStore(store, { name, signal, clock, log }, storeOptions);
  const folder = localFolderOf(opened);
  if (folder === undefined) return undefined;
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined; // nothing was stored there yet
    throw error;
  }
};

/** Less is too little: a share of the whole, or so many days of growth. */
const leastShare = 0.05;
const leastDays = 14;

/** How many days the room will do; undefined when nobody knows, or for ever. */
export const daysLeft = (space: Space | undefined, bytesPerDay: number | undefined): number | undefined =>
  space && bytesPerDay ? space.freeBytes / bytesPerDay : undefined;

/** Why the room is too little, as a sentence without a subject; undefined when it is not. */
export const shortage = (space: Space | undefined, bytesPerDay: number | undefined): string | undefined => {
  if (space === undefined) return undefined;
  const share = space.freeBytes / space.totalBytes;
  const days = daysLeft(space, bytesPerDay);
  if (days !== undefined && days < leastDays) return `will be full in ${Math.floor(days)} days`;
  return share < leastShare ? `has ${Math.floor(share * 100)} % of its room left` : undefined;
};
