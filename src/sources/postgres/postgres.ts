// PostgreSQL servers: the door of this folder. All else is loaded when a server is first opened.
import type { SourceKind } from '../source.ts';
import { configFromUrl, configSchema, type PostgresConfig } from './config.ts';

const load = () => import('./open-server.ts');

export const postgres: SourceKind<PostgresConfig> = {
  name: 'postgres',
  schemes: ['postgresql'],
  config: configSchema,
  abilities: ['rows', 'sql', 'listing', 'statuses', 'receiving', 'changes', 'queries', 'moment'],
  fromUrl: configFromUrl,
  load,
  open: async (config, context) => (await load()).openServer(config, context),
};
