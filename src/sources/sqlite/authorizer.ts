// What a snapshot's SQL may do. A stranger's snapshot can fill the database it is restored into with whatever it likes, but
// reaches nothing else: no other file (ATTACH, VACUUM INTO), no extension, and in a database that is in use no other table.
import { constants, type DatabaseSync } from 'node:sqlite';
import { foldName } from './identifiers.ts';

export type Policy =
  /** Holdfast's own statements. */
  | { readonly allow: 'everything' }
  /** The statements of create.sql and finish.sql, in a scratch database of their own. */
  | { readonly allow: 'schema file' }
  /** One CREATE TABLE, INDEX, VIEW or TRIGGER. */
  | { readonly allow: 'definition' }
  /** Rows of one table, made of literals. */
  | { readonly allow: 'rows'; readonly table: string };

export interface Guard {
  /** Runs `work` under a policy, and goes back to everything after. */
  under<Result>(policy: Policy, work: () => Result): Result;
}

/** From now on every statement of the connection is judged. */
export const guard = (db: DatabaseSync): Guard => {
  let policy: Policy = { allow: 'everything' };
  db.setAuthorizer((action, first, second, database) =>
    isAllowed(policy, action, [first ?? '', second ?? '', database ?? ''])
      ? constants.SQLITE_OK
      : constants.SQLITE_DENY,
  );
  return {
    under(next, work) {
      policy = next;
      try {
        return work();
      } finally {
        policy = { allow: 'everything' };
      }
    },
  };
};

/** What `first` and `second` are depends on the action: https://www.sqlite.org/c3ref/c_alter_table.html */
const isAllowed = (
  policy: Policy,
  action: number,
  [first, second, database]: readonly [string, string, string],
): boolean => {
  if (policy.allow === 'everything') return true;
  if (policy.allow === 'rows') {
    if (action === constants.SQLITE_INSERT) return foldName(first) === foldName(policy.table);
    if (action === constants.SQLITE_FUNCTION) return rowFunctions.has(second);
    return action === constants.SQLITE_SELECT; // what several rows in one VALUES are to SQLite
  }
  if (definitionActions.has(action)) return database === '' || database === 'main';
  if (action === constants.SQLITE_FUNCTION) return second !== 'load_extension';
  if (policy.allow === 'definition') return writes.has(action) && first === 'sqlite_master'; // by CREATE itself
  if (action === constants.SQLITE_PRAGMA) return settings.has(foldName(first));
  if (action === constants.SQLITE_TRANSACTION) return true;
  return writes.has(action) && foldName(first).startsWith('sqlite_');
};

/** The functions that lines of rows use: see literal.ts. */
const rowFunctions = new Set(['replace', 'char']);

const definitionActions = new Set<number>([
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_REINDEX,
  constants.SQLITE_READ,
  constants.SQLITE_SELECT,
]);

const writes = new Set<number>([constants.SQLITE_INSERT, constants.SQLITE_UPDATE, constants.SQLITE_DELETE]);

const settings = new Set([
  'page_size',
  'encoding',
  'auto_vacuum',
  'foreign_keys',
  'ignore_check_constraints',
  'writable_schema',
  'user_version',
  'application_id',
  'journal_mode',
]);
