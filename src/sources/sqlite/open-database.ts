// A database file as a source: read in one transaction while others write, dumped as SQL table by table, restored into a new file.
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { plainDumps, readPlain } from '../plain-dump.ts';
import type { Receiver } from '../receiver.ts';
import type { PlainDumper, RowReader, ScratchMaker, Source } from '../source.ts';
import { checkDatabase } from './check.ts';
import { dumpDatabase, type OpenReadings } from './dump.ts';
import { openRows } from './export-rows.ts';
import type { SqliteConfig } from './options.ts';
import { plainPlan } from './plain.ts';
import { receiver } from './receiving.ts';
import { restoreDatabase } from './restore.ts';
import { scratchMaker } from './scratch-place.ts';

/** Touches nothing yet, since the file may be the target of a restore. */
export const openDatabase = (
  config: SqliteConfig,
  context: Context,
): Source & ScratchMaker & PlainDumper & RowReader & Receiver => {
  assertCapable();
  const readings: OpenReadings = new Set();
  return {
    ...scratchMaker(context, readings),
    ...receiver(config, context),
    concurrency: 1, // one connection, one transaction, and reading blocks
    check: () => checkDatabase(config, context),
    dump: () => dumpDatabase(config, context, readings),
    plainExtension: 'sql',
    plainDumps: () => plainDumps(dumpDatabase(config, context, readings), plainPlan(config.path)),
    readPlain,
    openRows: () => openRows(config, context),
    restore: (entries, into) => restoreDatabase(entries, into, config, context),
    async [Symbol.asyncDispose]() {
      for (const reading of readings) reading.close();
      readings.clear();
    },
  };
};

/** node:sqlite has grown with Node 24: the authorizer came with 24.10, limits with 24.15. */
const assertCapable = (): void => {
  using db = new DatabaseSync(':memory:');
  if ('limits' in db && 'setAuthorizer' in db) return;
  throw new HoldfastError(
    'UNSUPPORTED',
    `the SQLite of Node ${process.versions.node} lacks what a backup needs`,
    {
      hint: 'run Holdfast with Node 24.15 or newer',
    },
  );
};
