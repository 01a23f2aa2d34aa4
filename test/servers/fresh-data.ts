// What a new database server begins with is made once, kept among the dependencies' caches, and copied for each server.
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/**
 * Puts fresh data where no folder is yet. `make` fills an empty folder with it, once for all that is told in `of`: the version of the
 * server and how the data is made.
 */
export const putFreshData = async (
  data: string,
  name: string,
  of: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<void> => {
  const label = hash('sha256', JSON.stringify(of), 'hex').slice(0, 12);
  const kept = join(import.meta.dirname, `../../node_modules/.cache/holdfast/${name}-data-${label}`);
  if (!existsSync(kept)) await keep(kept, make);
  await copyTree(kept, data);
};

/** With owners and modes, and a quarter of the time that Node takes for it. */
export const copyTree = async (from: string, to: string): Promise<void> => {
  await execute('cp', ['-a', '-T', from, to]);
};

const keep = async (kept: string, make: (folder: string) => Promise<void>): Promise<void> => {
  await mkdir(dirname(kept), { recursive: true });
  const work = await mkdtemp(`${kept}-`);
  try {
    await make(work);
    await rename(work, kept);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    if (!existsSync(kept)) throw error; // else another test was quicker
  }
};
