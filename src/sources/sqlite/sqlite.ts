// SQLite databases: the door of this folder. All else is loaded when a database is first opened.
import type { SourceKind } from '../source.ts';
import { configFromUrl, type SqliteConfig, sqliteConfig } from './options.ts';

const load = () => import('./open-database.ts');

/** `kind: sqlite`: one database file. */
export const sqlite: SourceKind<SqliteConfig> = {
  name: 'sqlite',
  config: sqliteConfig,
  abilities: ['rows', 'sql', 'receiving', 'queries', 'scratch folder', 'moment'],
  fromUrl: configFromUrl,
  load,
  open: async (config, context) => (await load()).openDatabase(config, context),
};
