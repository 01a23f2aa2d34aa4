// Cloudant's backup of CouchDB into a text file: the winning revision of each document, without attachments.
import { join } from 'node:path';
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
}

/** Fetches it from the npm registry when it is not there yet. */
export const couchbackup = async (): Promise<CouchBackup> => {
  const program = join(await npmPackage('@cloudant/couchbackup', version), 'bin', 'couchbackup.bin.js');
  return {
    name: `couchbackup ${version}`,
    backup: ({ url, database, mode, file }) => ({
      line: '"$NODE" "$COUCHBACKUP" --db "$DATABASE" --mode "$MODE" --output "$FILE"',
      env: {
        NODE: process.execPath,
        COUCHBACKUP: program,
        COUCH_URL: url,
        DATABASE: database,
        MODE: mode,
        FILE: file,
        HOME: '/nonexistent',
      },
    }),
  };
};
