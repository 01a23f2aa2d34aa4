// Stock restic, the judge of our repositories: the one of the machine's Debian, and the newest that Debian has.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cannotInstall, unpackPackages } from '../servers/debian.ts';
import { findProgram, skipWithout } from '../servers/programs.ts';

export interface ResticBinaries {
  readonly old: string;
  readonly new: string;
}

const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'holdfast');
const newest = join(cache, 'restic-sid');
const newestProgram = join(newest, 'usr', 'bin', 'restic');

/** Why tests that need restic cannot run here; where everything must be tested (CI=true) it throws instead. */
export const skipWithoutRestic = (): string | undefined => {
  const reason = skipWithout('restic') ?? (existsSync(newestProgram) ? undefined : cannotInstall());
  if (reason !== undefined && process.env.CI === 'true') throw new Error(`cannot get restic: ${reason}`);
  return reason;
};

/** Both programs; the newest is fetched once and kept among the dependencies' caches. */
export const resticBinaries = async (): Promise<ResticBinaries> => {
  const old = findProgram('restic');
  if (old === undefined) throw new Error('restic is not installed; run `npm test` as root on Debian once');
  await unpackPackages(['restic'], newest);
  return { old, new: newestProgram };
};

export interface ResticOptions {
  readonly repository: string;
  readonly password?: string;
  /** Exit statuses that are not an error; 0 unless told. */
  readonly statuses?: readonly number[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs restic without a cache and returns what it printed. Fails with all of its output. */
export const runRestic = async (
  binary: string,
  args: readonly string[],
  options: ResticOptions,
): Promise<{ readonly stdout: Buffer; readonly stderr: string; readonly status: number }> => {
  const env = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    RESTIC_REPOSITORY: options.repository,
    RESTIC_PASSWORD: options.password ?? 'secret',
    ...options.env,
  };
  const settings = { env, cwd: options.cwd, encoding: 'buffer', maxBuffer: 1024 ** 3 } as const;
  const call = promisify(execFile)(binary, ['--no-cache', ...args], settings);
  const result = await call.then(
    ({ stdout, stderr }) => ({ stdout, stderr: stderr.toString(), status: 0 }),
    (error: { code: unknown; stdout: Buffer; stderr: Buffer }) => ({
      stdout: error.stdout,
      stderr: error.stderr.toString(),
      status: typeof error.code === 'number' ? error.code : -1,
    }),
  );
  if (!(options.statuses ?? [0]).includes(result.status))
    throw new Error(
      `restic ${args.join(' ')} ended with ${result.status}:\n${result.stderr}${result.stdout}`,
    );
  return result;
};
