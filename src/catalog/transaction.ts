// Changes to the catalog that belong together.
import type { DatabaseSync } from 'node:sqlite';

/** All or nothing. */
export const inTransaction = (database: DatabaseSync, work: () => void): void => {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK'); // on a full disk SQLite has done so itself
    throw error;
  }
};
