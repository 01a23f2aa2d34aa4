// All tables of one database in the place of those of another, in one step.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Connection } from './connect.ts';
import { quoteLiteral, quoteName } from './identifiers.ts';
import { listRelations } from './listing.ts';
import { errno, errnoOf } from './server-error.ts';
import type { SourceRequest } from './survey.ts';

export interface Swap {
  readonly from: string;
  readonly to: string;
  /** Where the tables go that are there. */
  readonly away: string;
}

/** Whoever comes after a statement that waits for a table waits with it, so it does not wait longer at a time. */
const attemptSeconds = 3;
const pauseMs = 1000;

/** One statement, which waits until nobody reads any of the tables: readers see all of the one or all of the other. */
export const swapTables = async (
  admin: Connection,
  { from, to, away }: Swap,
  { config, context }: SourceRequest,
): Promise<void> => {
  const moves = [...(await movesOf(admin, to, away)), ...(await movesOf(admin, from, to))];
  const { clock, signal } = context;
  const patientUntil = clock.now().getTime() + config.lockTimeoutSeconds * 1000;
  await admin.run(waitingFor(attemptSeconds));
  for (;;) {
    throwIfCancelled(signal);
    try {
      // Triggers would keep their tables where they are.
      for (const database of [from, to]) await dropTriggers(admin, database);
      await admin.run(`rename table ${moves.join(', ')}`);
      return;
    } catch (error) {
      if (errnoOf(error) !== errno.lockWaitTimeout) throw error;
      if (clock.now().getTime() > patientUntil) throw inUse(to, error);
    }
    await clock.sleep(pauseMs, signal);
  }
};

/** The session's longest wait for a table. */
export const waitingFor = (seconds: number): string => `set session lock_wait_timeout = ${seconds}`;

const movesOf = async (admin: Connection, from: string, to: string): Promise<string[]> =>
  (await listRelations(admin, from))
    .filter(({ kind }) => kind !== 'view')
    .map(({ name }) => `${quoteName(from, name)} to ${quoteName(to, name)}`);

export const dropTriggers = async (admin: Connection, database: string): Promise<void> => {
  for (const name of await triggersIn(admin, database))
    await admin.run(`drop trigger ${quoteName(database, name)}`);
};

export const triggersIn = async (admin: Connection, database: string): Promise<string[]> => {
  const rows = await admin.query<{ db: string; name: string }>(
    `select trigger_schema as db, trigger_name as name from information_schema.triggers where trigger_schema = ${quoteLiteral(database)}`,
  );
  return rows.filter(({ db }) => db === database).map(({ name }) => name);
};

const inUse = (database: string, cause: unknown): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `tables of ${database} are in use in a transaction that does not end`, {
    hint: 'end it (show processlist), or raise lockTimeoutSeconds; what readers see was left as it was',
    cause,
  });

/** TARGET_FAILED where tables of other databases refer to tables that will go. */
export const assertNotReferredTo = async (admin: Connection, database: string): Promise<void> => {
  const rows = await admin.query<{ own: string; db: string; name: string }>(
    `select unique_constraint_schema as own, constraint_schema as db, table_name as name
      from information_schema.referential_constraints where unique_constraint_schema = ${quoteLiteral(database)}`,
  );
  const other = rows.find(({ own, db }) => own === database && db !== database);
  if (other === undefined) return;
  throw new HoldfastError(
    'TARGET_FAILED',
    `table ${other.db}.${other.name} refers to tables of ${database}`,
    {
      hint: `drop its foreign keys: the tables of ${database} are replaced`,
    },
  );
};
