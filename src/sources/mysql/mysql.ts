// MariaDB and MySQL servers: the door of this folder. All else is loaded when a server is first opened.
import type { SourceKind } from '../source.ts';
import { configFromUrl, configSchema, type MysqlConfig } from './config.ts';

const load = () => import('./open-server.ts');

export const mysql: SourceKind<MysqlConfig> = {
  name: 'mysql',
  aliases: ['mariadb'],
  schemes: ['mariadb'],
  config: configSchema,
  abilities: ['rows', 'sql', 'receiving', 'queries', 'moment'],
  fromUrl: configFromUrl,
  load,
  open: async (config, context) => (await load()).openServer(config, context),
};
