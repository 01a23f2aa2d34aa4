// SQLite databases: the door of this folder. All else is loaded when a database is first opened.
import type { SourceKind } from '../source.ts';
import { configFromUrl, type SqliteConfig, sqliteConfig } from './options.ts';

/** `kind: sqlite`: one database file. */
export const sqlite: SourceKind<SqliteConfig> = {
  name: 'sqlite',
  config: sqliteConfig,
  fromUrl: configFromUrl,
  async open(config, context) {
    const { openDatabase } = await import('./open-database.ts');
    return openDatabase(config, context);
  },
};
