// An opened server: what a source can do, tied to one configuration.
import type { Context } from '#lib/kind.ts';
import type { FileStatusKeeper } from '../file-statuses.ts';
import { plainDumps, readPlain } from '../plain-dump.ts';
import type { QueryReader } from '../query-reader.ts';
import type { ChangesReader, Receiver } from '../receiver.ts';
import type { PlainDumper, RowReader, ScratchMaker, Source } from '../source.ts';
import { checkServer } from './check.ts';
import { type PostgresConfig, settingsOf } from './config.ts';
import { dumpServer } from './dump.ts';
import { openRows } from './export-rows.ts';
import { openFileStatuses } from './file-statuses.ts';
import { checkChanges, dumpChanges } from './partial.ts';
import { plainPlan } from './plain.ts';
import { openQuery } from './query-rows.ts';
import { receiver } from './receiving.ts';
import { restoreServer } from './restore.ts';
import { scratchMaker } from './scratch-place.ts';

/** Nothing is connected before it is asked for something. */
export const openServer = (
  config: PostgresConfig,
  context: Context,
): Source &
  ScratchMaker &
  PlainDumper &
  RowReader &
  QueryReader &
  FileStatusKeeper &
  ChangesReader &
  Receiver => {
  const settings = settingsOf(config);
  const closing: (() => Promise<void>)[] = [];
  const onClose = (close: () => Promise<void>): void => void closing.push(close);
  return {
    ...scratchMaker({ config, settings, context, onClose }),
    ...receiver({ config, settings, context, onClose }),
    concurrency: config.connections,
    check: () => checkServer({ config, settings, context }),
    dump: (_previous, options) => dumpServer({ config, settings, context, onClose, ...options }),
    checkChanges: (rules) => checkChanges({ config, settings, context, onClose }, rules),
    dumpChanges: (rules, previous) => dumpChanges({ config, settings, context, onClose }, rules, previous),
    plainExtension: 'sql',
    plainDumps: () => plainDumps(dumpServer({ config, settings, context, onClose }), plainPlan),
    readPlain,
    openRows: () => openRows({ config, settings, context }),
    openQuery: (text) => openQuery({ config, settings, context }, text),
    openFileStatuses: () => openFileStatuses({ config, settings, context }),
    restore: (entries, into) => restoreServer({ config, settings, context }, entries, into),
    async [Symbol.asyncDispose]() {
      await Promise.all(closing.splice(0).map((close) => close()));
    },
  };
};
