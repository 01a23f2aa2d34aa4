// Refusing a target that is not empty, or for single tables not there, before anything is written to it.
import { HoldfastError } from '#lib/errors.ts';
import { goalFor, isWholeServer, namedTarget, type Wanted } from './restore-goal.ts';
import type { RestoreTarget } from './source.ts';

export interface Restoring extends Wanted<unknown> {
  readonly settings: Wanted<unknown>['settings'] & { readonly server: string };
  readonly into: RestoreTarget;
  readonly target: { stateOf(database: string): Promise<'absent' | 'empty' | 'used'> };
}

/** Before anything is read: TARGET_NOT_EMPTY when the one database that the target names has something in it. */
export const assertNamedTargetIsFree = async (restoring: Restoring): Promise<void> => {
  const named = namedTarget(restoring);
  if (named !== undefined && restoring.selection === 'everything') await assertFree(restoring, named);
};

/** As soon as the snapshot has said which databases it holds. USAGE for a name that cannot be meant. */
export const assertTargetsAreFree = async (
  restoring: Restoring,
  databases: readonly string[],
): Promise<void> => {
  if (restoring.selection !== 'everything') return; // tables are looked for when their list has come
  for (const [from] of restoring.into.rename)
    if (!databases.includes(from))
      throw new HoldfastError('USAGE', `there is no database ${from} to rename`, {
        hint: `the snapshot has ${databases.join(', ')}; tables are renamed when they are restored by themselves`,
      });
  if (!isWholeServer(restoring)) return;
  for (const database of databases) await assertFree(restoring, goalFor(restoring, database, []).name);
};

const assertFree = async ({ into, target, settings }: Restoring, database: string): Promise<void> => {
  if (!into.force && (await target.stateOf(database)) === 'used') throw notEmpty(database, settings);
};

/** TARGET_FAILED for single tables of a database that the server does not have. */
export const assertTargetIsThere = async (
  { target, settings }: Pick<Restoring, 'target' | 'settings'>,
  database: string,
): Promise<void> => {
  if ((await target.stateOf(database)) !== 'absent') return;
  throw new HoldfastError('TARGET_FAILED', `there is no database ${database} on ${settings.server}`, {
    hint: 'create it first, or restore the whole database',
  });
};

export const notEmpty = (database: string, { server }: { readonly server: string }): HoldfastError =>
  new HoldfastError('TARGET_NOT_EMPTY', `database ${database} on ${server} is not empty`, {
    hint: 'name another database, or say --force to replace it with the one of the snapshot',
  });

/** The warning of a restore whose snapshot is of a server without databases; `but` is what else it held, as ' but its roles'. */
export const hadNoDatabase = (but = ''): string =>
  `the server had no database: there was nothing to restore${but}`;

/** Of a snapshot, or a choice from it, that held no database. */
export const nothingToRestore = (): HoldfastError =>
  new HoldfastError('TARGET_FAILED', 'the snapshot holds no database', {
    hint: 'name a path that it has: holdfast ls',
  });
