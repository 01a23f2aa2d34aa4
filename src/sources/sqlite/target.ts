// Where a restore writes: a new file that takes its name when all is well, or tables of a database that is in use.
import { existsSync, type Stats, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { resultCode, sqliteCode } from '#lib/sqlite-codes.ts';
import type { RestoreTarget } from '../source.ts';
import type { Guard } from './authorizer.ts';
import { choosesTables } from './layout.ts';
import type { SqliteConfig } from './options.ts';
import { value } from './query.ts';
import { openForReading } from './reading.ts';
import type { Schema, Table } from './schema.ts';
import { targetInPlace } from './target-in-place.ts';
import { targetNewFile } from './target-new-file.ts';

export interface Target {
  /** Settings of the file, and what lies outside the tables restored, are the snapshot's to say. */
  readonly isNew: boolean;
  readonly db: DatabaseSync;
  readonly guard: Guard;
  /** Begins the transaction; called once, before all that follows. */
  begin(schema: Schema): Promise<void>;
  /** Makes the table, empty and without indexes; called when its first rows arrive. */
  makeTable(table: Table): void;
  /** Removes what `begin` made of tables that did not come. */
  dropOthers(made: ReadonlySet<string>): void;
  /** What SQLite's integrity check says, before or after the end of the transaction, and the end itself. */
  commit(made: readonly Table[], journalMode: string): Promise<readonly string[]>;
  /** Leaves everything as it was; harmless after `commit`. */
  discard(): void;
}

/**
 * Decides how to write to the path, or refuses: TARGET_NOT_EMPTY, unless forced or only some tables come, which then may not take
 * the place of others. Nothing is changed yet.
 */
export const openTarget = async (
  config: SqliteConfig,
  into: Pick<RestoreTarget, 'force' | 'selection'>,
  context: Context,
): Promise<Target> => {
  const { path } = config;
  const state = await stateOf(config, context);
  if (state === 'nothing') return targetNewFile(path);
  if (state === 'database' && (into.force || choosesTables(into)))
    return targetInPlace(config, into.force, context);
  if (state === 'database')
    throw notEmpty(
      `${path} is a database with tables`,
      'restore to another path, or use --force to replace the tables in it',
    );
  if (state === 'leftovers')
    throw notEmpty(
      `beside ${path} lies a -wal or -journal file of another database`,
      'SQLite would apply it to the restored database: move it away first',
    );
  throw notEmpty(`${path} is there and is not a SQLite database`, 'restore to another path');
};

type TargetState = 'nothing' | 'leftovers' | 'database' | 'something else';

const stateOf = async (
  { path, busyTimeoutSeconds }: SqliteConfig,
  context: Context,
): Promise<TargetState> => {
  const stat = lookAt(path);
  const leftovers = ['-wal', '-journal'].some((suffix) => existsSync(path + suffix));
  if (stat === undefined || (stat.isFile() && stat.size === 0)) return leftovers ? 'leftovers' : 'nothing';
  if (!stat.isFile()) return 'something else';
  try {
    const { db, close } = await openForReading(path, busyTimeoutSeconds, context);
    const objects = value<number>(db, 'SELECT count(*) FROM sqlite_schema');
    close();
    return objects > 0 || leftovers ? 'database' : 'nothing';
  } catch (error) {
    if (hasCode(error, 'CANCELLED')) throw error;
    const cause = error instanceof Error ? error.cause : undefined;
    if (sqliteCode(cause) === resultCode.notADatabase) return 'something else';
    throw error;
  }
};

const lookAt = (path: string): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new HoldfastError('TARGET_FAILED', `${path} cannot be made: ${messageOf(cause)}`, {
      cause,
      hint: 'restore to a path in a folder that the user Holdfast runs as may enter and write to',
    });
  }
};

const notEmpty = (message: string, hint: string): HoldfastError =>
  new HoldfastError('TARGET_NOT_EMPTY', message, { hint });
