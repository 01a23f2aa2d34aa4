// All tables of one database in the place of those of another, in one step.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Connection } from './connect.ts';
import { quoteLiteral, quoteName } from './identifiers.ts';
import { listRelations } from './listing.ts';
import { isLocked, patiently } from './lock-patience.ts';
import type { SourceRequest } from './survey.ts';

export interface Swap {
  readonly from: string;
  readonly to: string;
  /** Where the tables go that are there. */
  readonly away: string;
  /** Those of `to` whose names tables will have. */
  readonly views: readonly string[];
}

/** One statement, which waits until nobody reads any of the tables: readers see all of the one or all of the other. */
export const swapTables = async (
  admin: Connection,
  { from, to, away, views }: Swap,
  { config, context }: SourceRequest,
): Promise<void> => {
  const loaded = await movesOf(admin, from, to);
  if (loaded.length === 0) throw gone(from);
  const moves = [...(await movesOf(admin, to, away)), ...loaded];
  const { clock, signal } = context;
  try {
    await patiently(admin, { clock, signal, seconds: config.lockTimeoutSeconds }, async () => {
      throwIfCancelled(signal);
      // Triggers would keep their tables where they are.
      for (const database of [from, to]) await dropTriggers(admin, database);
      for (const view of views) await admin.run(`drop view if exists ${quoteName(to, view)}`);
      await admin.run(`rename table ${moves.join(', ')}`);
    });
  } catch (error) {
    throw isLocked(error) ? inUse(to, error) : error;
  }
};

/** A view that has become a table at the sender, or will be one: no table can take its name while it is there. */
export const viewsInTheWay = async (admin: Connection, from: string, to: string): Promise<string[]> => {
  const tables = new Set(
    (await listRelations(admin, from)).flatMap(({ kind, name }) => (kind === 'view' ? [] : [name])),
  );
  return (await listRelations(admin, to)).flatMap(({ kind, name }) =>
    kind === 'view' && tables.has(name) ? [name] : [],
  );
};

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

/** Somebody has dropped it: without its tables readers would be left with none. */
const gone = (database: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `${database}, which was loaded, is no longer there`, {
    hint: 'leave databases of such names alone; what readers see was left as it was',
  });

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
