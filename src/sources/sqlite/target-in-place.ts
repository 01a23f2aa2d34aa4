// A restore into a database that is in use: the tables that come take the place of those of their names, or are refused, in one
// transaction.
import { realpathSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { guard } from './authorizer.ts';
import { whenFree } from './busy.ts';
import { integrityOf } from './damage.ts';
import { damaged, dropExisting, existing, makeDefinition, writeOptions } from './make-definition.ts';
import type { SqliteConfig } from './options.ts';
import { value } from './query.ts';
import { isBusy } from './sqlite-error.ts';
import type { Target } from './target.ts';

export const targetInPlace = (
  { path, busyTimeoutSeconds }: SqliteConfig,
  mayReplace: boolean,
  context: Context,
): Target => {
  const url = pathToFileURL(realpathSync(path));
  url.searchParams.set('mode', 'rw');
  const db = new DatabaseSync(url, writeOptions);
  const close = (): void => {
    if (db.isOpen) db.close();
  };
  const waiting = async (sql: string): Promise<void> => {
    try {
      await whenFree(() => db.exec(sql), busyTimeoutSeconds, context);
    } catch (cause) {
      if (!isBusy(cause)) throw cause;
      throw new HoldfastError('TARGET_FAILED', `${path} stayed locked for ${busyTimeoutSeconds} s`, {
        cause,
        hint: 'another program holds it: stop it, or raise busyTimeoutSeconds; nothing was changed',
      });
    }
  };
  const dropped = new Set<string>();
  const makeRoom = (name: string): void => {
    const found = existing(db, name);
    if (found && !mayReplace)
      throw new HoldfastError('TARGET_NOT_EMPTY', `${path} has a ${found.type} ${found.name}`, {
        hint: `nothing was changed; give what comes another name with --as, or replace the ${found.type} with --force`,
      });
    dropExisting(db, name);
  };
  return {
    isNew: false,
    db,
    guard: guard(db),
    async begin({ settings }) {
      db.exec('PRAGMA trusted_schema=OFF; PRAGMA ignore_check_constraints=ON');
      await waiting('BEGIN IMMEDIATE');
      const encoding = value<string>(db, 'PRAGMA encoding');
      if (encoding !== settings.encoding)
        throw new HoldfastError(
          'UNSUPPORTED',
          `${path} is in ${encoding}, the snapshot in ${settings.encoding}`,
          {
            hint: 'restore into a new file, and copy from there with ATTACH and INSERT … SELECT',
          },
        );
    },
    makeTable(table) {
      // What a virtual table keeps goes with it, so it goes before the first of them comes.
      if (table.owner !== undefined && !dropped.has(table.owner)) makeRoom(table.owner);
      if (table.owner !== undefined) dropped.add(table.owner);
      makeRoom(table.name);
      makeDefinition(this, table);
    },
    dropOthers() {},
    async commit(made) {
      const checks = made.map(({ name }) => integrityOf(db, name));
      const damage = checks.flatMap((check) => check.damage);
      if (damage.length > 0) throw damaged(path, damage);
      await waiting('COMMIT');
      close();
      return checks.flatMap(({ remarks }) => remarks);
    },
    discard() {
      if (db.isOpen && db.isTransaction) db.exec('ROLLBACK');
      close();
    },
  };
};
