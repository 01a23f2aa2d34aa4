// A restore into a file that is not there yet: written beside it under another name, and renamed when it is whole.
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { syncFileSync, syncFolderSync } from '#lib/sync.ts';
import { guard } from './authorizer.ts';
import { integrityOfFile } from './damage.ts';
import { quoteName, quoteText } from './identifiers.ts';
import { damaged, makeDefinition, writeOptions } from './make-definition.ts';
import type { Target } from './target.ts';

const partialSuffix = '.holdfast-partial';

export const targetNewFile = (path: string): Target => {
  const file = resolve(path);
  const partial = `${file}${partialSuffix}`;
  const db = new DatabaseSync(pathToFileURL(partial), { ...writeOptions, open: false });
  let watch: Target['guard'] | undefined;
  /** From now on the file of that name is ours. */
  let begun = false;
  const close = (): void => {
    if (db.isOpen) db.close();
  };
  return {
    isNew: true,
    db,
    get guard() {
      watch ??= guard(db);
      return watch;
    },
    async begin({ settings, tables }) {
      makeEmptyFile(partial, path);
      begun = true;
      db.open();
      // Nobody else sees the file, and until it is renamed nobody misses it: no journal, and one flush at the end.
      db.exec(
        'PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-65536',
      );
      db.exec('PRAGMA trusted_schema=OFF; PRAGMA ignore_check_constraints=ON');
      db.exec(`PRAGMA page_size=${settings.page_size}; PRAGMA encoding=${quoteText(settings.encoding)}`);
      db.exec(`PRAGMA auto_vacuum=${settings.auto_vacuum}; BEGIN`);
      // Only the first table fixes the encoding: before, rows entered into the schema would be in another than the file.
      if (tables.length === 0 && settings.encoding !== 'UTF-8')
        db.exec('CREATE TABLE holdfast(a); DROP TABLE holdfast');
      for (const table of tables) makeDefinition(this, table); // all of them, in their own order
    },
    makeTable() {},
    dropOthers(made) {
      for (const name of tableNames(db)) if (!made.has(name)) db.exec(`DROP TABLE main.${quoteName(name)}`);
    },
    async commit(_made, journalMode) {
      db.exec('COMMIT');
      close(); // so that the schema is read anew, virtual tables with it
      db.open();
      // Rows that break a CHECK did so in the source; a hundred of their messages would hide one of damage.
      db.exec('PRAGMA trusted_schema=OFF; PRAGMA ignore_check_constraints=ON; PRAGMA cache_size=-65536');
      const { damage, remarks } = integrityOfFile(db);
      if (damage.length > 0) throw damaged(path, damage);
      if (journalMode === 'wal') db.exec('PRAGMA journal_mode=WAL');
      close();
      publish(partial, file);
      return remarks;
    },
    discard() {
      close();
      if (begun) removeLeftovers(partial);
      begun = false;
    },
  };
};

const tableNames = (db: DatabaseSync): string[] =>
  db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all()
    .map(({ name }) => String(name));

/** What an earlier attempt left under the name is of no use to anybody. */
const makeEmptyFile = (partial: string, path: string): void => {
  try {
    removeLeftovers(partial);
    closeSync(openSync(partial, 'wx', 0o600));
  } catch (cause) {
    throw new HoldfastError('TARGET_FAILED', `${path} cannot be made: ${messageOf(cause)}`, {
      cause,
      hint: 'the folder must be there, and the user Holdfast runs as must be able to write to it',
    });
  }
};

const removeLeftovers = (partial: string): void => {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(partial + suffix, { force: true });
};

/** Puts the whole file in its place, durably. */
const publish = (partial: string, file: string): void => {
  const descriptor = openSync(partial, 'r+');
  try {
    syncFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(partial, file);
  syncFolderSync(dirname(file));
};
