// What SQLite's result codes (https://www.sqlite.org/rescode.html) mean for a backup.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { resultCode, sqliteCode } from '#lib/sqlite-codes.ts';

/** True when somebody else's lock was in the way: waiting may help. An error that is none is how backup() says it. */
export const isBusy = (error: unknown): boolean => {
  const code = sqliteCode(error);
  return code === resultCode.busy || code === resultCode.locked || code === resultCode.ok;
};

/** There was no room, on disk or in memory, or the disk failed, or somebody else had locked it: that says nothing of what was asked for. */
export const saysNothing = (error: unknown): boolean =>
  [resultCode.full, resultCode.ioError, resultCode.noMemory, resultCode.busy, resultCode.locked].some(
    (code) => code === sqliteCode(error),
  );

/** Where SQLite does not understand what it is asked for. */
export const ownExportHint =
  'it may need a function or collation that only the application has: back it up with the application’s own export';

/** The error for a database that could not be read at all. */
export const cannotRead = (path: string, cause: unknown): HoldfastError => {
  if (cause instanceof HoldfastError) return cause;
  const [message, hint] = (isBrokenSchema(cause) ? undefined : explanations.get(sqliteCode(cause) ?? 0)) ?? [
    `cannot be read: ${messageOf(cause)}`,
    `see whether "sqlite3 ${path} .schema" can read it; if not, rescue what is left with "sqlite3 ${path} .recover"`,
  ];
  return new HoldfastError('SOURCE_UNREACHABLE', `${path} ${message}`, { cause, hint });
};

/** A definition that SQLite does not understand is corruption to it, too; it says which one, and what is wrong with it. */
const isBrokenSchema = (error: unknown): boolean => messageOf(error).startsWith('malformed database schema');

/** The error for a restore that ended with this one: SQLite's own errors do not say which file they are about. */
export const cannotWrite = (path: string, error: unknown): unknown => {
  const cause = error instanceof HoldfastError ? error.cause : error;
  if (sqliteCode(cause) === resultCode.full)
    return new HoldfastError('TARGET_FAILED', `cannot write more into ${path}: ${messageOf(cause)}`, {
      cause: error,
      hint: 'make room there, and where SQLite keeps temporary files (SQLITE_TMPDIR or /var/tmp), then restore again; the target is as it was',
    });
  if (error instanceof HoldfastError || sqliteCode(error) === undefined) return error;
  return new HoldfastError('TARGET_FAILED', `${path} cannot be written: ${messageOf(error)}`, {
    cause: error,
    hint: 'check the disk, and the rights on the file and its folder; the target is as it was',
  });
};

/** The error for a snapshot that would not make a sound database, seen before the target is changed. */
export const unfitSnapshot = (message: string, cause?: unknown): HoldfastError =>
  new HoldfastError('TARGET_FAILED', message, {
    hint: 'nothing was changed; check the repository, or restore from another snapshot',
    cause,
  });

const explanations = new Map<number, readonly [message: string, hint: string]>([
  [
    resultCode.notADatabase,
    [
      'is not a SQLite database, or it is encrypted',
      'check the path; encrypted databases (SQLCipher, SEE) are not supported: back up with the application’s own export',
    ],
  ],
  [
    resultCode.corrupt,
    ['is damaged', 'rescue what can be read with "sqlite3 <file> .recover", or restore an earlier snapshot'],
  ],
  [
    resultCode.cannotOpen,
    [
      'cannot be opened',
      'the user Holdfast runs as must be able to read the file, and for a database in WAL mode to write to its folder',
    ],
  ],
  [
    resultCode.readOnly,
    [
      'was left behind by a crash and must be recovered before it can be read',
      'let the application open it once, or run Holdfast as a user who may write the file and its folder',
    ],
  ],
]);
