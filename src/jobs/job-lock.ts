// One process a job: an SQLite file held in an exclusive transaction. The system drops the lock with the process, however it ends.
import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Clock, throwIfCancelled } from '#lib/clock.ts';
import { makeFolder } from '#lib/make-folder.ts';

/** Where the locks of jobs lie that a catalog remembers. */
export const lockFolderOf = (catalogPath: string): string => join(dirname(catalogPath), 'locks');

export interface JobLockOptions {
  /** Wait until whoever holds it is done; otherwise give up at once. */
  readonly wait: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told once, when there is somebody to wait for. */
  readonly onWait?: () => void;
}

/** Takes the job's lock in this folder, which is made when it is missing; undefined when another process holds it. Disposing frees it. */
export const takeJobLock = async (
  folder: string,
  job: string,
  { wait, clock, signal, onWait }: JobLockOptions,
): Promise<Disposable | undefined> => {
  const database = openLockFile(folder, job);
  try {
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 2000)) {
      throwIfCancelled(signal);
      if (tryLock(database)) return { [Symbol.dispose]: () => database.close() };
      if (waitMs === 50 && wait) onWait?.();
      if (!wait) break;
      await clock.sleep(waitMs, signal);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  database.close();
  return undefined;
};

/** Nothing is ever written to it, so a full disk cannot keep a job from its lock. */
const openLockFile = (folder: string, job: string): DatabaseSync => {
  makeFolder(folder, 0o700);
  const path = join(folder, `${job}.lock`);
  closeSync(openSync(path, 'a', 0o600)); // SQLite would make it readable by everybody
  return new DatabaseSync(path, { timeout: 0 });
};

const tryLock = (database: DatabaseSync): boolean => {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return false;
    throw error;
  }
};

/** https://www.sqlite.org/rescode.html#busy */
const sqliteBusy = 5;
