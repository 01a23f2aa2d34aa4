// Brings a catalog to the schema of this version: migrations/NNNN-*.sql, applied in order, each in a transaction.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '#lib/errors.ts';
import { inTransaction } from './transaction.ts';

const folder = join(import.meta.dirname, 'migrations');

/** UNSUPPORTED when a newer Holdfast wrote the catalog. Several processes may do this at once. */
export const migrate = (database: DatabaseSync, path: string): void => {
  const migrations = readdirSync(folder)
    .filter((name) => /^\d{4}-.*\.sql$/.test(name))
    .sort();
  const version = versionOf(database);
  if (version > migrations.length)
    throw new HoldfastError(
      'UNSUPPORTED',
      `the catalog ${path} was written by a newer Holdfast (its version is ${version}, this one knows ${migrations.length})`,
      { hint: 'use the newer Holdfast, or name another file with HOLDFAST_CATALOG' },
    );
  for (let next = version; next < migrations.length; next += 1)
    apply(database, next + 1, readFileSync(join(folder, migrations[next] as string), 'utf8'));
};

const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);

const apply = (database: DatabaseSync, version: number, sql: string): void => {
  database.exec('PRAGMA foreign_keys = OFF'); // else a table that is made anew takes what refers to it along
  try {
    inTransaction(database, () => {
      // Another process may have been faster while we waited.
      if (versionOf(database) < version) database.exec(`${sql}; PRAGMA user_version = ${version}`);
    });
  } finally {
    database.exec('PRAGMA foreign_keys = ON');
  }
};
