// A database opened for one read transaction. What is seen stays the same until it is closed, whatever writers do.
import { accessSync, type BigIntStats, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { resultCode, sqliteCode } from '#lib/sqlite-codes.ts';
import { whenFree } from './busy.ts';
import { watchLocks } from './held-locks.ts';
import { cannotRead, isBusy } from './sqlite-error.ts';

export interface Reading {
  readonly db: DatabaseSync;
  /** Throws when what was read may not be one state of the database after all: asked at the end. */
  confirm(): void;
  /** Harmless when repeated. */
  close(): void;
}

/** Opens the database and begins the transaction. The file is neither made nor changed, and no -wal or -shm is left behind. */
export const openForReading = async (
  path: string,
  busyTimeoutSeconds: number,
  context: Pick<Context, 'clock' | 'signal'>,
): Promise<Reading> => {
  const file = existingFile(path);
  try {
    return await whenFree(() => openOnce(file), busyTimeoutSeconds, context);
  } catch (cause) {
    if (!isBusy(cause)) throw cannotRead(path, cause);
    throw new HoldfastError('SOURCE_UNREACHABLE', `${path} stayed locked for ${busyTimeoutSeconds} s`, {
      cause,
      hint: 'a writer holds it: end the long transaction, or its locking_mode=EXCLUSIVE; raise busyTimeoutSeconds, or switch the database to WAL mode',
    });
  }
};

/**
 * How the file is opened:
 * - `read-only`: nothing is ever written. In WAL mode this needs the -wal and -shm files that open connections keep;
 *   SQLite would make them, and being read-only, not remove them again.
 * - `tidy`: allowed to write, so that SQLite removes the -wal and -shm files it makes; `query_only` forbids all else.
 * - `immutable`: without locks or any other file, for WAL databases in folders where neither can be made. Nobody is
 *   kept from writing, so `confirm` looks whether somebody has.
 */
type Access = 'read-only' | 'tidy' | 'immutable';

const openOnce = (file: string): Reading => {
  const inUse = existsSync(`${file}-wal`) && existsSync(`${file}-shm`);
  if (!inUse && isWritable(file) && isWritable(dirname(file))) return begin(file, 'tidy');
  try {
    return begin(file, 'read-only');
  } catch (error) {
    const code = sqliteCode(error);
    const needsFiles = code === resultCode.cannotOpen || code === resultCode.readOnly;
    if (!needsFiles || sizeOf(`${file}-wal`) > 0 || existsSync(`${file}-journal`)) throw error;
    return begin(file, 'immutable');
  }
};

const begin = (file: string, access: Access): Reading => {
  const before = statSync(file, { bigint: true });
  const db = new DatabaseSync(urlOf(file, access), {
    readOnly: access !== 'tidy',
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
    defensive: false, // which would take a trigger on what a virtual table keeps for damage
  });
  const close = (): void => {
    if (db.isOpen) db.close();
  };
  try {
    db.exec('PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA ignore_check_constraints=ON');
    db.exec('BEGIN; SELECT count(*) FROM sqlite_schema');
  } catch (error) {
    close();
    throw error;
  }
  const stillLocked = watchLocks(file);
  const confirm = (): void => {
    if (access === 'immutable') assertUnchanged(file, before);
    else if (!stillLocked()) throw lostLocks(file);
  };
  return { db, confirm, close };
};

const urlOf = (file: string, access: Access): URL => {
  const url = pathToFileURL(file);
  url.searchParams.set('mode', access === 'tidy' ? 'rw' : 'ro');
  if (access === 'immutable') url.searchParams.set('immutable', '1');
  return url;
};

const assertUnchanged = (file: string, before: BigIntStats): void => {
  const after = statSync(file, { bigint: true });
  if (after.mtimeNs === before.mtimeNs && after.size === before.size && after.ino === before.ino) return;
  throw new HoldfastError('SOURCE_UNREACHABLE', `${file} was written to while it was read without locks`, {
    hint: 'run Holdfast as a user who may write to the folder of the database, so that it can take part in locking',
  });
};

const lostLocks = (file: string): HoldfastError =>
  new HoldfastError('SOURCE_UNREACHABLE', `the locks on ${file} were lost while it was read`, {
    hint: 'another backup in this process read the file itself: exclude it and its -wal and -shm there, or run them one after the other',
  });

/** The real path of the database's file; -wal and -shm lie beside that one. */
const existingFile = (path: string): string => {
  try {
    const file = realpathSync(path);
    accessSync(file, constants.R_OK);
    const stat = statSync(file);
    if (!stat.isFile()) throw unreachable(path, 'is not a file', 'give the path of the database’s file');
    if (stat.size === 0)
      throw unreachable(path, 'is an empty file', 'check the path: a database has at least one page');
    return file;
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const code = systemCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw unreachable(path, 'does not exist', 'check the path; Holdfast makes no new database', cause);
    throw new HoldfastError('SOURCE_DENIED', `${path} may not be read (${code})`, {
      cause,
      hint: 'let the user Holdfast runs as read the file and enter the folders above it',
    });
  }
};

const unreachable = (path: string, message: string, hint: string, cause?: unknown): HoldfastError =>
  new HoldfastError('SOURCE_UNREACHABLE', `${path} ${message}`, { hint, cause });

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
