// An opened server: what a source can do, tied to one configuration.
import type { Context } from '#lib/kind.ts';
import { plainDumps } from '../plain-dump.ts';
import type { Receiver } from '../receiver.ts';
import type { PlainDumper, RowReader, ScratchMaker, Source } from '../source.ts';
import { checkServer } from './check.ts';
import { type MysqlConfig, settingsOf } from './config.ts';
import { dumpServer } from './dump.ts';
import { openRows } from './export-rows.ts';
import { plainPlan, readPlainDump } from './plain.ts';
import { receiver } from './receiving.ts';
import { restoreServer } from './restore.ts';
import { scratchMaker } from './scratch-place.ts';

/** Nothing is connected before it is asked for something. */
export const openServer = (
  config: MysqlConfig,
  context: Context,
): Source & ScratchMaker & PlainDumper & RowReader & Receiver => {
  const settings = settingsOf(config);
  const closing: (() => Promise<void>)[] = [];
  const onClose = (close: () => Promise<void>): void => void closing.push(close);
  return {
    ...scratchMaker({ config, settings, context, onClose }),
    ...receiver({ config, settings, context }),
    concurrency: config.connections,
    check: () => checkServer({ config, settings, context }),
    dump: () => dumpServer({ config, settings, context, onClose }),
    plainExtension: 'sql',
    plainDumps: () => plainDumps(dumpServer({ config, settings, context, onClose }), plainPlan),
    readPlain: readPlainDump,
    openRows: () => openRows({ config, settings, context }),
    restore: (entries, into) => restoreServer({ config, settings, context }, entries, into),
    async [Symbol.asyncDispose]() {
      await Promise.all(closing.splice(0).map((close) => close()));
    },
  };
};
