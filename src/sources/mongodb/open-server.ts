// A server as a source.
import type { Context } from '#lib/kind.ts';
import type { Source } from '../source.ts';
import { checkServer } from './check.ts';
import type { MongodbConfig } from './config.ts';
import { dumpServer } from './dump.ts';
import { restoreServer } from './restore.ts';

export const openServer = (config: MongodbConfig, context: Context): Source => {
  const open: (() => Promise<void>)[] = [];
  return {
    concurrency: config.connections,
    check: () => checkServer(config, context),
    dump: () => dumpServer({ config, context, onClose: (close) => open.push(close) }),
    restore: (entries, into) => restoreServer({ config, context }, entries, into),
    async [Symbol.asyncDispose]() {
      await Promise.all(open.splice(0).map((close) => close()));
    },
  };
};
