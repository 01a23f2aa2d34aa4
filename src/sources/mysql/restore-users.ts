// Users, roles and grants: those that are missing are made, and those that are there stay as they are.
import { asError } from '#lib/errors.ts';
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
  const fail = (error: unknown): void => reporter.fail(usersFile, asError(error));
  const run = async (items: readonly SqlItem[], mayWait: boolean): Promise<SqlItem[]> => {
    const waiting: SqlItem[] = [];
    for (const item of items) {
      if (kept.has(item.name)) continue;
      const isNew = item.type === 'user' || item.type === 'role';
      try {
        if (waiting.some(({ name }) => name === item.name)) waiting.push(item);
        else await runItem(target.admin, item, reporter);
      } catch (error) {
        const isThere = isNew && errnoOf(asError(error).cause) === errno.cannotCreateUser;
        if (isThere) reporter.warn(`${item.type} ${item.name} is there already, and stays as it is`);
        if (isNew && !isThere && mayWait) waiting.push(item);
        else if (isNew) kept.add(item.name);
        if (item.type === 'grant') later.push(item);
        else if (!isThere && !waiting.includes(item)) fail(error);
      }
    }
    return waiting;
  };
  // MySQL makes no user before the roles that are his from the beginning.
  for (let items = itemsOf(script), before = Number.POSITIVE_INFINITY; items.length > 0; ) {
    const waiting = await run(items, items.length < before);
    before = items.length;
    items = waiting;
  }
  return async () => {
    for (const item of later) await runItem(target.admin, item, reporter).catch(fail);
  };
};
