// Objects that runs are writing in pieces, so that what a killed run left behind can be removed by the next.
import type { DatabaseSync } from 'node:sqlite';
import { explained } from './database.ts';

export interface UnfinishedObject {
  /** Where the store is. */
  readonly store: string;
  readonly name: string;
  readonly token: string;
}

/** Each call is durable when it returns. */
export interface UnfinishedObjects {
  begin(job: string, object: UnfinishedObject): void;
  end(object: UnfinishedObject): void;
  /** What runs of the job have begun and not ended in that store. */
  of(job: string, store: string): UnfinishedObject[];
  /** In which stores such an object of the job was begun and not ended. */
  storesOf(job: string, object: Omit<UnfinishedObject, 'store'>): string[];
}

export const unfinishedObjects = (database: DatabaseSync, path: string): UnfinishedObjects => ({
  begin: (job, { store, name, token }) =>
    explained(path, () => {
      database
        .prepare('INSERT OR REPLACE INTO unfinished_objects (job, store, name, token) VALUES (?, ?, ?, ?)')
        .run(job, store, name, token);
    }),
  end: ({ store, name, token }) =>
    explained(path, () => {
      database
        .prepare('DELETE FROM unfinished_objects WHERE store = ? AND name = ? AND token = ?')
        .run(store, name, token);
    }),
  of: (job, store) =>
    explained(path, () =>
      database
        .prepare('SELECT store, name, token FROM unfinished_objects WHERE job = ? AND store = ?')
        .all(job, store)
        .map((row) => ({ store: String(row.store), name: String(row.name), token: String(row.token) })),
    ),
  storesOf: (job, { name, token }) =>
    explained(path, () =>
      database
        .prepare('SELECT store FROM unfinished_objects WHERE job = ? AND name = ? AND token = ?')
        .all(job, name, token)
        .map(({ store }) => String(store)),
    ),
});
