// The whole database as one file for the sqlite3 shell: the files of a dump, one after the other.
import { basename } from 'node:path';
import { manifestName } from '../manifest.ts';
import type { PlainPart, PlainPlan } from '../plain-dump.ts';
import type { Entry } from '../source.ts';
import { shellCommand } from './schema-files.ts';

/** 'shop' for /srv/shop.db. */
const nameOf = (path: string): string => basename(path).replace(/\.(db|sqlite3?)$/i, '');

export const plainPlan = (path: string): PlainPlan => ({
  databaseOf: () => nameOf(path),
  title: (database) => [`SQLite database ${database}. Load it into a new file: ${shellCommand} new.db`],
  parts,
});

async function* parts(entries: AsyncIterable<Entry>): AsyncGenerator<PlainPart> {
  for await (const { path, content } of entries)
    yield { path, content: content?.() ?? [], ...(path === manifestName && { comment: true }) };
}
