// Locks held by other processes, ours or restic's, for as long as a test wants them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { testPassword } from '#repository/testing.ts';

export interface Holder extends AsyncDisposable {
  /** As by a power cut. */
  kill(): Promise<void>;
}

const holderOf = (child: ChildProcess): Holder => {
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { kill, [Symbol.asyncDispose]: kill };
};

/** Our lock, held by another process. */
export const holdLock = async (repository: string, lock: 'shared' | 'exclusive'): Promise<Holder> => {
  const program = join(import.meta.dirname, 'hold-lock.ts');
  const child = spawn(process.execPath, [program, repository, lock], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  if (String(said) !== 'held\n') throw new Error(`the lock was not taken: ${said}`);
  return holderOf(child);
};

/** A restic that runs until it is killed or done, with the password of test repositories. */
export const startRestic = (binary: string, repository: string, args: readonly string[]): ChildProcess => {
  const child = spawn(binary, ['--no-cache', ...args], {
    env: { HOME: '/nonexistent', RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: testPassword },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.on('error', () => {}); // it is going to be killed
  return child;
};

/** A restic that was stopped (SIGSTOP) as soon as it had its lock. */
export const holdResticLock = async (
  binary: string,
  repository: string,
  args: readonly string[],
): Promise<Holder> => {
  const locks = join(repository, 'locks');
  mkdirSync(locks, { recursive: true });
  const earlier = new Set(readdirSync(locks));
  const isNew = (name: string): boolean => /^[0-9a-f]{64}$/.test(name) && !earlier.has(name);
  // So slow that it cannot be over before it is stopped.
  const child = startRestic(binary, repository, ['--limit-download', '64', ...args]);
  while (!readdirSync(locks).some(isNew)) {
    if (child.exitCode !== null) throw new Error(`restic ended with ${child.exitCode} and took no lock`);
    await pause(1);
  }
  child.kill('SIGSTOP');
  return holderOf(child);
};
