// An opened server: what a source can do, tied to one configuration.
import type { Context } from '#lib/kind.ts';
import type { Receiver } from '../receiver.ts';
import type { RowReader, ScratchMaker, Source } from '../source.ts';
import { checkServer } from './check.ts';
import { type SqlServerConfig, settingsOf } from './config.ts';
import { dumpServer } from './dump.ts';
import { openRows } from './export-rows.ts';
import { receiver } from './receiving.ts';
import { restoreServer } from './restore.ts';
import { scratchMaker } from './scratch-place.ts';

/** Nothing is connected before it is asked for something. */
export const openServer = (
  config: SqlServerConfig,
  context: Context,
): Source & ScratchMaker & RowReader & Receiver => {
  const settings = settingsOf(config);
  const closing: (() => Promise<void>)[] = [];
  const onClose = (close: () => Promise<void>): void => void closing.push(close);
  return {
    ...scratchMaker({ config, settings, context, onClose }),
    ...receiver({ config, settings, context }),
    // Only one connection sees the snapshot.
    concurrency: 1,
    check: () => checkServer({ config, settings, context }),
    dump: (_previous, options) => dumpServer({ config, settings, context, onClose, ...options }),
    openRows: () => openRows({ config, settings, context }),
    restore: (entries, into) => restoreServer({ config, settings, context }, entries, into),
    async [Symbol.asyncDispose]() {
      await Promise.all(closing.splice(0).map((close) => close()));
    },
  };
};
