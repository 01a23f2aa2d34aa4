// Cloudant's backup of CouchDB into a text file: the winning revision of each document, without attachments.
import { dirname, join } from 'node:path';
import { npmPackage } from '../../test/servers/npm-package.ts';
import type { Command } from '../measure.ts';

const version = '2.11.12';

export interface CouchBackup {
  readonly name: string;
  /** 'full' is its default; on PouchDB Server it waits for ever, and 'shallow' does not. */
  backup(place: {
    readonly url: string;
    readonly database: string;
    readonly mode: 'full' | 'shallow';
    readonly file: string;
  }): Command;
  /** Into an empty database. */
  restore(place: { readonly url: string; readonly database: string; readonly file: string }): Command;
}

/** Fetches it from the npm registry when it is not there yet. */
export const couchbackup = async (): Promise<CouchBackup> => {
  const programs = join(await npmPackage('@cloudant/couchbackup', version), 'bin');
  const envOf = ({ url, database, file }: Omit<Parameters<CouchBackup['backup']>[0], 'mode'>) => ({
    NODE: process.execPath,
    PROGRAMS: programs,
    COUCH_URL: url,
    DATABASE: database,
    FILE: file,
    HOME: '/nonexistent',
    TMPDIR: dirname(file), // it leaves a folder there
  });
  return {
    name: `couchbackup ${version}`,
    backup: ({ mode, ...place }) => ({
      line: '"$NODE" "$PROGRAMS/couchbackup.bin.js" --db "$DATABASE" --mode "$MODE" --output "$FILE"',
      env: { ...envOf(place), MODE: mode },
    }),
    restore: (place) => ({
      line: '"$NODE" "$PROGRAMS/couchrestore.bin.js" --db "$DATABASE" < "$FILE"',
      env: envOf(place),
    }),
  };
};
