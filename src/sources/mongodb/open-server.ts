// An opened server: what a source can do, tied to one configuration.
import type { Context } from '#lib/kind.ts';
import type { Receiver } from '../receiver.ts';
import type { ScratchMaker, Source } from '../source.ts';
import { checkServer } from './check.ts';
import type { MongodbConfig } from './config.ts';
import { dumpServer } from './dump.ts';
import { receiver } from './receiving.ts';
import { restoreServer } from './restore.ts';
import { scratchMaker } from './scratch-place.ts';

/** Nothing is connected before it is asked for something. */
export const openServer = (config: MongodbConfig, context: Context): Source & ScratchMaker & Receiver => {
  const closing: (() => Promise<void>)[] = [];
  const onClose = (close: () => Promise<void>): void => void closing.push(close);
  return {
    ...scratchMaker({ config, context, onClose }),
    ...receiver({ config, context }),
    concurrency: config.connections,
    check: () => checkServer(config, context),
    dump: () => dumpServer({ config, context, onClose }),
    restore: (entries, into) => restoreServer({ config, context }, entries, into),
    async [Symbol.asyncDispose]() {
      await Promise.all(closing.splice(0).map((close) => close()));
    },
  };
};
