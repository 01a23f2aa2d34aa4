// A database file for a trial: restored into a folder of its own, read back, queried, and removed.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { makeFolder } from '#lib/make-folder.ts';
import { checkScratchFolder, newPlaceIn } from '../scratch-folder.ts';
import type { QueryRows, ReadDefinitions, ScratchMaker, ScratchPlace } from '../source.ts';
import { dumpDatabase, type OpenReadings } from './dump.ts';
import { createFile, finishFile } from './layout.ts';
import { sqliteConfig } from './options.ts';
import { restoreDatabase } from './restore.ts';
import { statementsOf } from './schema-files.ts';
import { saysNothing } from './sqlite-error.ts';

export const scratchMaker = (context: Context, readings: OpenReadings): ScratchMaker => ({
  scratchLocation: (folder) => folder,
  checkScratch: async (folder) => checkScratchFolder(folder),
  async openScratch({ name, folder }) {
    return openPlace(newPlaceIn(folder, name), context, readings);
  },
  async removeScratch(name, folder) {
    rmSync(join(folder, name), { recursive: true, force: true });
  },
});

const openPlace = (folder: string, context: Context, readings: OpenReadings): ScratchPlace => {
  // Everything that was restored, whatever the source's own patterns choose; a restore has checked its pages.
  const config = sqliteConfig.parse({ path: join(folder, 'restored.db'), quickCheck: false });
  return {
    concurrency: 1,
    restore(entries, onProgress) {
      makeFolder(folder, 0o700);
      return restoreDatabase(entries, { force: false, rename: [], onProgress }, config, context);
    },
    dump: () => dumpDatabase(config, context, readings),
    definitionsIn: (path) => (path === createFile || path === finishFile ? readStatements : undefined),
    query: async (text) => queryFile(config.path, text),
    saysNothing,
    [Symbol.asyncDispose]: async () => {},
  };
};

/** Each statement is a definition; that of an object is called by the object, as in «index orders_by_date». */
const readStatements: ReadDefinitions = (text) =>
  new Map(
    statementsOf(text).map((statement) => {
      const [, type = '', name = ''] = made.exec(statement) ?? [];
      return [
        type === '' ? (statement.split('\n')[0] ?? '') : `${type.toLowerCase()} ${name}`,
        statement.trim(),
      ];
    }),
  );

const made =
  /^CREATE (?:UNIQUE |TEMP |TEMPORARY )?(?:VIRTUAL )?(TABLE|INDEX|VIEW|TRIGGER) (?:IF NOT EXISTS )?("(?:[^"]|"")*"|\[[^\]]*\]|`[^`]*`|'[^']*'|[^\s(]+)/i;

const queryFile = (path: string, text: string): QueryRows => {
  using database = new DatabaseSync(path, { readOnly: true });
  try {
    const statement = database.prepare(text);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    return (statement.all() as unknown as readonly (readonly unknown[])[]).map((row) => row.map(asText));
  } catch (cause) {
    throw new HoldfastError('FAILED', `SQLite says: ${messageOf(cause)}`, { cause });
  }
};

const asText = (value: unknown): string | null => {
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
};
