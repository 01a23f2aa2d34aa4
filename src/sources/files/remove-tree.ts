// Folders that we made ourselves, and all that is in them.
import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { systemCode } from '#lib/errors.ts';

/** Folders come back with the modes that they had, which may keep even their owner from removing what is in them. */
export const removeTree = (path: string): void => {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error;
    makeWritable(Buffer.from(path));
    rmSync(path, { recursive: true, force: true });
  }
};

/** Names are bytes. */
const makeWritable = (folder: Buffer): void => {
  chmodSync(folder, 0o700);
  for (const name of readdirSync(folder, { encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), name]);
    if (lstatSync(path).isDirectory()) makeWritable(path);
  }
};
