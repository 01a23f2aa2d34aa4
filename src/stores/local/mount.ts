// Whether the file system on which something was stored is still there.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The file systems on which the folders of stores lay when something was first written there. */
const devices = new Map<string, number>();

export const rememberMount = (folder: string): void => {
  if (!devices.has(folder)) devices.set(folder, deviceOf(folder));
};

/** When a disk is unmounted, folders made anew would take the rest of a backup to the disk that it was mounted on. */
export const refuseIfUnmounted = (folder: string): void => {
  const device = devices.get(folder);
  if (device !== undefined && device !== deviceOf(folder))
    throw new Error('its file system is no longer mounted there');
};

/** Where it lies, or, if it was removed, would be made. */
const deviceOf = (folder: string): number =>
  statSync(folder, { throwIfNoEntry: false })?.dev ?? deviceOf(dirname(folder));
