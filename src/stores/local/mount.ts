// Whether the file system on which something was stored is still there.
import { statSync } from 'node:fs';

/** The file systems on which the folders of stores lay when something was first written there. */
const devices = new Map<string, number>();

export const rememberMount = (folder: string): void => {
  if (devices.has(folder)) return;
  const device = deviceOf(folder);
  if (device !== undefined) devices.set(folder, device);
};

/** When a disk is unmounted, folders made anew would take the rest of a backup to the disk that it was mounted on. */
export const refuseIfUnmounted = (folder: string): void => {
  const device = devices.get(folder);
  if (device !== undefined && device !== deviceOf(folder))
    throw new Error('its file system is no longer mounted there');
};

const deviceOf = (folder: string): number | undefined => statSync(folder, { throwIfNoEntry: false })?.dev;
