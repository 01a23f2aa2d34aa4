// Other rows for a table that is there: its triggers do not see them come, and no foreign key is left broken.
import { HoldfastError } from '#lib/errors.ts';
import type { Connection } from './connect.ts';
import { plainName, type QualifiedName, quoteIdentifier, quoteLiteral, quoteName } from './identifiers.ts';

export interface ReplaceOptions {
  readonly force: boolean;
  readonly superuser: boolean;
}

/** Empties the table within the current transaction; what it returns puts triggers and keys right when the rows are there. */
export const beginReplace = async (
  connection: Connection,
  table: QualifiedName,
  { force, superuser }: ReplaceOptions,
): Promise<() => Promise<void>> => {
  const name = quoteName(table);
  await connection.query(`lock table only ${name} in access exclusive mode`);
  const isFilled = await holds(connection, `exists (select from only ${name})`);
  if (isFilled && !force)
    throw new HoldfastError(
      'TARGET_NOT_EMPTY',
      `table ${plainName(table)} in database ${connection.database} has rows`,
      {
        hint: 'give the restored one another name with --as, or say --force to replace its rows',
      },
    );
  const triggers = await connection.query<Trigger>(
    `select tgname::text as name, tgenabled::text as state from pg_catalog.pg_trigger
      where tgrelid = ${quoteLiteral(name)}::regclass and not tgisinternal`,
  );
  if (triggers.length > 0) await connection.query(`alter table only ${name} disable trigger user`);
  const isReferenced = await holds(
    connection,
    `exists (select from pg_catalog.pg_constraint where contype = 'f' and confrelid = ${quoteLiteral(name)}::regclass and conrelid <> confrelid)`,
  );
  const bypassesKeys = isFilled && isReferenced;
  if (bypassesKeys && !superuser)
    throw new HoldfastError(
      'TARGET_FAILED',
      `rows of other tables refer to ${plainName(table)}, so it cannot be emptied`,
      {
        hint: 'restore as a superuser, or beside it with --as',
      },
    );
  if (bypassesKeys)
    await connection.query(`set local session_replication_role = replica; delete from only ${name}`);
  else if (isFilled) await connection.query(`truncate only ${name}`);
  return async () => {
    for (const { name: trigger, state } of triggers) {
      const enable = enabling[state];
      if (enable)
        await connection.query(`alter table only ${name} enable ${enable} ${quoteIdentifier(trigger)}`);
    }
    if (!bypassesKeys) return;
    await connection.query('set local session_replication_role = origin');
    await assertKeysHold(connection, table);
  };
};

interface Trigger {
  readonly name: string;
  readonly state: string;
}

/** By pg_trigger.tgenabled; one that was disabled stays so. */
const enabling: Readonly<Record<string, string>> = {
  O: 'trigger',
  R: 'replica trigger',
  A: 'always trigger',
};

const holds = async (connection: Connection, condition: string): Promise<boolean> => {
  const [row] = await connection.query<{ holds: boolean }>(`select ${condition} as holds`);
  return row?.holds ?? false;
};

interface Key {
  readonly name: string;
  /** As FROM has them: of a table that is not partitioned, heirs have no part in its keys. */
  readonly child: string;
  readonly parent: string;
  readonly childColumns: readonly string[];
  readonly parentColumns: readonly string[];
  /** Whether the last column is a period, which rows of the parent cover together (since version 18). */
  readonly period: boolean;
}

/** Whether rows refer to others that are not there. */
const orphansOf = ({ child, parent, childColumns, parentColumns, period }: Key): string => {
  const own = childColumns.map((column) => `c.${quoteIdentifier(column)}`);
  const others = parentColumns.map((column) => `p.${quoteIdentifier(column)}`);
  const equal = own.map((column, index) => `${others[index]} = ${column}`);
  const covered = `coalesce(${own.at(-1)} <@ (select pg_catalog.range_agg(${others.at(-1)}) from ${parent} p
    where ${equal.slice(0, -1).join(' and ')}), false)`;
  const there = period ? covered : `exists (select from ${parent} p where ${equal.join(' and ')})`;
  return `exists (select from ${child} c where ${own.map((column) => `${column} is not null`).join(' and ')} and not ${there})`;
};

/** Foreign keys to and from the table; a broken one undoes the restore. */
const assertKeysHold = async (connection: Connection, table: QualifiedName): Promise<void> => {
  const columns = (of: 'conrelid' | 'confrelid', keys: 'conkey' | 'confkey'): string =>
    `array(select a.attname::text from unnest(c.${keys}) with ordinality k (number, place)
      join pg_catalog.pg_attribute a on a.attrelid = c.${of} and a.attnum = k.number order by k.place)`;
  const relation = (id: 'conrelid' | 'confrelid'): string =>
    `(select case relkind when 'p' then '' else 'only ' end from pg_catalog.pg_class where oid = c.${id}) || c.${id}::regclass::text`;
  // A key to a partitioned table also stands there for each partition, as if all rows had to refer to that one.
  const keys = await connection.query<Key>(
    `with recursive key as (
        select k.* from pg_catalog.pg_constraint k
          where k.contype = 'f' and k.convalidated and ${quoteLiteral(quoteName(table))}::regclass in (k.conrelid, k.confrelid)
        union select k.* from key join pg_catalog.pg_constraint k on k.oid = key.conparentid and k.conrelid = key.conrelid)
      select c.conname::text as name, ${relation('conrelid')} as child, ${relation('confrelid')} as parent,
      ${columns('conrelid', 'conkey')} as "childColumns", ${columns('confrelid', 'confkey')} as "parentColumns",
      coalesce((to_jsonb(c) ->> 'conperiod')::boolean, false) as period
      from key c
      where not exists (select from key k where k.oid = c.conparentid and k.conrelid = c.conrelid)`,
  );
  for (const key of keys) {
    const { name, child, parent } = key;
    if (await holds(connection, orphansOf(key)))
      throw new HoldfastError(
        'TARGET_FAILED',
        `rows of ${plain(child)} would refer to rows of ${plain(parent)} that are not in the backup (${name})`,
        { hint: 'nothing was changed; restore both tables, or this one beside with --as' },
      );
  }
};

const plain = (relation: string): string => relation.replace(/^only /, '');
