// Users, roles and grants: those that are missing are made, and those that are there stay as they are.
import { asError, messageOf } from '#lib/errors.ts';
import { usersFile } from './layout.ts';
import type { Restoring } from './restore.ts';
import { runItem } from './run-items.ts';
import { errno, errnoOf } from './server-error.ts';
import { itemsOf, type SqlItem } from './sql-items.ts';

/** Each one that fails is reported; the others go on. Grants that fail are tried again by what it returns, when the databases are there. */
export const restoreUsers = async (
  { target, reporter }: Restoring,
  script: Buffer,
): Promise<() => Promise<void>> => {
  const kept = new Set<string>();
  const later: SqlItem[] = [];
  const fail = (error: unknown): void =>
    reporter.fail(usersFile, new Error(messageOf(error), { cause: error }));
  for (const item of itemsOf(script)) {
    if (kept.has(item.name)) continue;
    try {
      await runItem(target.admin, item, reporter);
    } catch (error) {
      const isNew = item.type === 'user' || item.type === 'role';
      if (isNew) kept.add(item.name);
      if (isNew && errnoOf(asError(error).cause) === errno.cannotCreateUser)
        reporter.warn(`${item.type} ${item.name} is there already, and stays as it is`);
      else if (item.type === 'grant') later.push(item);
      else fail(error);
    }
  }
  return async () => {
    for (const item of later) await runItem(target.admin, item, reporter).catch(fail);
  };
};
