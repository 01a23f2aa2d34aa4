// A database file that is kept fresh: a whole snapshot is loaded into a file beside it and then written over it in one
// transaction, so that readers that have it open see the old state until they begin another read, and never a mixture.
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { type Mark, markSchema, type Receiver, type Receiving } from '../receiver.ts';
import { notReceived } from '../receiving-refused.ts';
import { whenFree } from './busy.ts';
import { type SqliteConfig, sqliteConfig } from './options.ts';
import { value } from './query.ts';
import { restoreDatabase } from './restore.ts';
import { cannotWrite, isBusy } from './sqlite-error.ts';

export const receiver = (config: SqliteConfig, context: Context): Receiver => ({
  takesChanges: false,
  openReceiving: () => openReceiving(config, context),
});

const markTable = 'holdfast_received';

const openReceiving = async (config: SqliteConfig, context: Context): Promise<Receiving> => {
  const { path } = config;
  const beside = `${path}.receiving`;
  removeBeside(path);
  let mark = existsSync(path) ? readTarget(path) : undefined;
  let loaded: Mark | undefined;
  return {
    get mark() {
      return mark;
    },
    async load(entries, { mark: own, onProgress }) {
      const into = { force: false, rename: [], onProgress };
      const report = await restoreDatabase(entries, into, sqliteConfig.parse({ path: beside }), context);
      const [failure] = report.failures;
      if (failure) throw failure.error;
      writeMark(beside, own);
      loaded = own;
      return report;
    },
    async apply() {
      throw new HoldfastError('UNSUPPORTED', 'SQLite databases take complete snapshots only');
    },
    async publish() {
      throwIfCancelled(context.signal);
      if (existsSync(path)) await writeOver(beside, config, context);
      else renameSync(beside, path);
      mark = loaded;
      removeBeside(path);
    },
    async [Symbol.asyncDispose]() {
      removeBeside(path);
    },
  };
};

/** All at once, so that the file is locked no longer than it takes. */
const allPages = 2 ** 31 - 1;

/** SQLite's own backup makes one transaction of it; nobody may hold the file meanwhile, so it waits for readers. */
const writeOver = async (
  from: string,
  { path, busyTimeoutSeconds }: SqliteConfig,
  context: Context,
): Promise<void> => {
  using source = new DatabaseSync(from, { readOnly: true });
  const write = async (): Promise<void> => {
    assertFree(path);
    leaveWal(path, value(source, 'PRAGMA page_size'));
    await backup(source, path, { rate: allPages });
  };
  try {
    await whenFree(write, busyTimeoutSeconds, context);
  } catch (cause) {
    if (!isBusy(cause)) throw cannotWrite(path, cause);
    throw new HoldfastError('TARGET_FAILED', `${path} stayed locked for ${busyTimeoutSeconds} s`, {
      cause,
      hint: 'let what reads it end its transactions, or close it once where the size of its pages has changed; readers see the old state',
    });
  }
};

/** Throws as SQLite does when somebody is reading or writing just now. */
const assertFree = (path: string): void => {
  using db = new DatabaseSync(path);
  db.exec('BEGIN EXCLUSIVE; ROLLBACK');
};

/** In WAL mode a database keeps the size of its pages, whoever writes over it. */
const leaveWal = (path: string, pageSize: number): void => {
  using db = new DatabaseSync(path);
  if (value<number>(db, 'PRAGMA page_size') !== pageSize) db.exec('PRAGMA journal_mode=DELETE');
};

/** The mark of what was received there; undefined where the database is empty. */
const readTarget = (path: string): Mark | undefined => {
  try {
    const mark = readMark(path);
    if (mark === undefined) assertEmpty(path);
    return mark;
  } catch (cause) {
    if (cause instanceof HoldfastError || isBusy(cause)) throw cause;
    throw new HoldfastError(
      'TARGET_NOT_EMPTY',
      `${path} holds nothing that can be read: ${messageOf(cause)}`,
      {
        cause,
        hint: 'receive into another file, or move this one away: the newest snapshot is then loaded',
      },
    );
  }
};

const readMark = (path: string): Mark | undefined => {
  using db = new DatabaseSync(path, { readOnly: true });
  const there = db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(markTable);
  const row = there && db.prepare(`SELECT mark FROM ${markTable}`).get();
  return row && markSchema.parse(JSON.parse(String(row.mark)));
};

const writeMark = (path: string, mark: Mark): void => {
  using db = new DatabaseSync(path);
  db.exec(`BEGIN; DROP TABLE IF EXISTS ${markTable}; CREATE TABLE ${markTable} (mark TEXT NOT NULL)`);
  db.prepare(`INSERT INTO ${markTable} VALUES (?)`).run(JSON.stringify(mark));
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
};

const assertEmpty = (path: string): void => {
  using db = new DatabaseSync(path, { readOnly: true });
  if (db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined) return;
  throw notReceived(path, 'receive into another file, or move this one away');
};

/** What this run or one before it left. */
const removeBeside = (path: string): void => {
  const stem = `${basename(path)}.receiving`;
  if (!existsSync(dirname(path))) return;
  for (const name of readdirSync(dirname(path)))
    if (name === stem || name.startsWith(`${stem}-`) || name.startsWith(`${stem}.`))
      rmSync(join(dirname(path), name));
};
