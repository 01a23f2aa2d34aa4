// MongoDB servers: the door of this folder. All else is loaded when a server is first opened.
import type { SourceKind } from '../source.ts';
import { configFromUrl, configSchema, type MongodbConfig } from './config.ts';

const load = () => import('./open-server.ts');

export const mongodb: SourceKind<MongodbConfig> = {
  name: 'mongodb',
  schemes: ['mongodb+srv'],
  config: configSchema,
  abilities: ['receiving', 'queries', 'restore by query', 'moment'],
  fromUrl: configFromUrl,
  load,
  open: async (config, context) => (await load()).openServer(config, context),
};
