// PostgreSQL servers: the door of this folder.
import type { Context } from '#lib/kind.ts';
import type { Source, SourceKind } from '../source.ts';
import { checkServer } from './check.ts';
import { configFromUrl, configSchema, type PostgresConfig, settingsOf } from './config.ts';
import { dumpServer } from './dump.ts';
import { restoreServer } from './restore.ts';

export const postgres: SourceKind<PostgresConfig> = {
  name: 'postgres',
  schemes: ['postgresql'],
  config: configSchema,
  fromUrl: configFromUrl,
  open: async (config, context) => openServer(config, context),
};

const openServer = (config: PostgresConfig, context: Context): Source => {
  const settings = settingsOf(config);
  const closing: (() => Promise<void>)[] = [];
  const onClose = (close: () => Promise<void>): void => void closing.push(close);
  return {
    concurrency: config.connections,
    check: () => checkServer({ config, settings, context }),
    dump: () => dumpServer({ config, settings, context, onClose }),
    restore: (entries, into) => restoreServer({ config, settings, context }, entries, into),
    async [Symbol.asyncDispose]() {
      await Promise.all(closing.splice(0).map((close) => close()));
    },
  };
};
