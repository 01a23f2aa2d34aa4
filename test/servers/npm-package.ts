// A package of the npm registry in a folder of its own: a server or a peer for tests and benchmarks, no dependency of ours.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'holdfast');

/** Fetches it once, without running any script of its packages, and returns its folder, which appears when it is complete. */
export const npmPackage = async (name: string, version: string): Promise<string> => {
  const folder = join(cache, `${name.replace('/', '-')}-${version}`);
  if (!existsSync(folder)) await install(`${name}@${version}`, folder);
  return join(folder, 'node_modules', name);
};

const install = async (what: string, folder: string): Promise<void> => {
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}-`);
  try {
    await writeFile(join(work, 'package.json'), '{"private":true}');
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', ['install', ...quiet, what], { cwd: work });
    await rename(work, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // another test was quicker
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
