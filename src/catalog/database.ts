// The catalog's SQLite file: private to its owner, usable by several processes at once, replaced when it is damaged.
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import { makeFolder } from '#lib/make-folder.ts';
import { resultCode, sqliteCode } from '#lib/sqlite-codes.ts';
import { migrate } from './migrate.ts';

/** How long to wait for another process's transaction. */
const busyMs = 10_000;

/** Opens it, and makes or migrates it when needed. `warn` is told when a damaged one was moved aside. */
export const openDatabase = (path: string, warn: (text: string) => void): DatabaseSync =>
  explained(path, () => {
    const found = openSound(path) ?? openAgain(path);
    if (found) return found;
    warn(`the catalog was damaged and begins anew; what is left of it lies in ${moveAside(path)}`);
    const fresh = openSound(path);
    if (fresh) return fresh;
    throw new Error('a new file is damaged at once');
  });

/** What SQLite or the file system say, as an error that names the catalog and what to do. */
export const explained = <Result>(path: string, work: () => Result): Result => {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('FAILED', `cannot use the catalog ${path}: ${messageOf(cause)}`, {
      cause,
      hint: hintFor(cause),
    });
  }
};

const hintFor = (cause: unknown): string => {
  if (isDamage(cause)) return 'run the command again: a damaged catalog is moved aside when it is opened';
  if (systemCode(cause) === 'EIO' || sqliteCode(cause) === resultCode.ioError)
    return 'check the disk or the mount (`dmesg`, `mount`); or set HOLDFAST_CATALOG';
  return 'give its folder room, and the user that runs holdfast the right to write there; or set HOLDFAST_CATALOG';
};

/** The database, or undefined when the file is damaged or no database at all. */
const openSound = (path: string): DatabaseSync | undefined => {
  prepareFile(path);
  const database = new DatabaseSync(path, { timeout: busyMs });
  try {
    refuseForeign(database, path);
    closeToOthers(path);
    useWriteAheadLog(database);
    if (database.prepare('PRAGMA quick_check(1)').get()?.quick_check === 'ok') {
      migrate(database, path);
      return database;
    }
  } catch (error) {
    database.close();
    if (isDamage(error)) return undefined;
    throw error;
  }
  database.close();
  return undefined;
};

/** A disk that gives a page only the second time, or never, has not damaged it; SQLite's check does not tell these apart. Throws what the disk says. */
const openAgain = (path: string): DatabaseSync | undefined => {
  for (const file of [path, `${path}-wal`]) if (existsSync(file)) readThrough(file);
  return openSound(path);
};

const readThrough = (path: string): void => {
  const file = openSync(path, 'r');
  try {
    const block = Buffer.alloc(1024 * 1024);
    while (readSync(file, block) > 0);
  } finally {
    closeSync(file);
  }
};

/** SQLite would make it readable by everybody; its log and shared memory take over the file's own mode. */
const prepareFile = (path: string): void => {
  makeFolder(dirname(path), 0o700);
  closeSync(openSync(path, 'a', 0o600));
  if (looksLikeText(path)) throw foreign(path, 'a text');
};

const closeToOthers = (path: string): void => {
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
};

/** Our own tables come all at once, in one transaction. */
const refuseForeign = (database: DatabaseSync, path: string): void => {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  if (tables.length > 0 && !tables.some(({ name }) => name === 'runs'))
    throw foreign(path, 'the database of something else');
};

/** Neither SQLite's nor what a crash leaves of it: somebody named the wrong file, a configuration perhaps. */
const looksLikeText = (path: string): boolean => {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(1024);
    const length = readSync(file, start, 0, start.length, 0);
    const isControl = (byte: number): boolean => byte < 32 && !'\t\r\n'.includes(String.fromCharCode(byte));
    return length > 0 && !start.subarray(0, length).some(isControl);
  } finally {
    closeSync(file);
  }
};

const foreign = (path: string, what: string): HoldfastError =>
  new HoldfastError('UNSUPPORTED', `${path} is no catalog but ${what}: it is left as it is`, {
    hint: 'name another file with HOLDFAST_CATALOG, or as "catalog:" in the configuration file',
  });

/** Readers then never wait for a writer. Switching may collide with others who open it; one of them succeeds for all. */
const useWriteAheadLog = (database: DatabaseSync): void => {
  const deadline = Date.now() + busyMs;
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (sqliteCode(error) !== resultCode.busy || Date.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
};

const isDamage = (error: unknown): boolean => {
  const code = sqliteCode(error);
  return code === resultCode.corrupt || code === resultCode.notADatabase;
};

/** The newest damaged catalog that was moved aside at this place and still lies there. */
export const damagedBeside = (path: string): string | undefined => {
  const folder = dirname(path);
  const beginning = basename(path) + damagedEnding;
  const names = readdirSync(folder).filter((name) => name.startsWith(beginning) && !/-(wal|shm)$/.test(name));
  const newest = names.toSorted().at(-1);
  return newest && join(folder, newest);
};

const damagedEnding = '.damaged-';

const moveAside = (path: string): string => {
  const aside = `${path}${damagedEnding}${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`;
  for (const suffix of ['-wal', '-shm', ''])
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  return aside;
};
