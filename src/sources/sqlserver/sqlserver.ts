// Microsoft SQL Server and what speaks its language: the door of this folder. All else is loaded when a server is first opened.
import type { SourceKind } from '../source.ts';
import { configFromUrl, configSchema, type SqlServerConfig } from './config.ts';

const load = () => import('./open-server.ts');

export const sqlserver: SourceKind<SqlServerConfig> = {
  name: 'sqlserver',
  schemes: ['mssql'],
  config: configSchema,
  abilities: ['rows', 'receiving', 'queries', 'moment'],
  fromUrl: configFromUrl,
  load,
  open: async (config, context) => (await load()).openServer(config, context),
};
