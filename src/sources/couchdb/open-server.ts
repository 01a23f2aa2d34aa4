// An opened server: what a source can do, tied to one configuration.
import type { Context } from '#lib/kind.ts';
import type { ScratchMaker, Source } from '../source.ts';
import { checkServer } from './check.ts';
import type { CouchConfig } from './config.ts';
import { dumpServer } from './dump.ts';
import { openClient } from './http.ts';
import { restoreServer } from './restore.ts';
import { scratchMaker } from './scratch-place.ts';

/** Nothing is connected before it is asked for something. */
export const openServer = (config: CouchConfig, context: Context): Source & ScratchMaker => {
  const client = openClient(config, context);
  const request = { config, context, client };
  return {
    ...scratchMaker(request),
    concurrency: config.connections,
    check: () => checkServer(request),
    dump: (previous) => dumpServer(request, previous),
    restore: (entries, into) => restoreServer(request, entries, into),
    async [Symbol.asyncDispose]() {
      client.close();
    },
  };
};
