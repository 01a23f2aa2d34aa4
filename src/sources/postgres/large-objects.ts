// Large objects, as COPY rows of number, position and bytes: read by whoever may read them, loaded by lo_put.

import type { ServerFacts } from './listing.ts';
import type { Reading } from './reading.ts';

/** So many numbers share a file. */
const groupNumbers = 65_536;
/** A row holds so many bytes, twice as long in hex. */
const pieceBytes = 256 * 1024;

/** The files that the large objects of a database are in, each with how many objects. */
export const listLargeObjects = async (reading: Reading): Promise<number[]> => {
  const rows = await reading.query<{ group: number }>(
    `select distinct oid::int8 / ${groupNumbers} as group from pg_catalog.pg_largeobject_metadata order by 1`,
  );
  return rows.map(({ group }) => Number(group));
};

/** Reads the objects of a group in the order of their numbers; empty ones have no rows. */
export const largeObjectsSql = (group: number): string => {
  const range = `oid::int8 >= ${group * groupNumbers} and oid::int8 < ${(group + 1) * groupNumbers}`;
  return `copy (
    select o.oid, p.position, p.data
    from (select oid from pg_catalog.pg_largeobject_metadata where ${range} order by oid) o
    cross join lateral (
      with recursive pieces (position, data) as (
        select 0::int8, pg_catalog.lo_get(o.oid, 0, ${pieceBytes})
        union all
        select position + ${pieceBytes}, pg_catalog.lo_get(o.oid, position + ${pieceBytes}, ${pieceBytes})
        from pieces where length(data) = ${pieceBytes})
      select position, data from pieces where length(data) > 0) p
  ) to stdout`;
};

/** How the rows become large objects again: pg_dump's pre-data has made them, empty. */
export const largeObjectLoad = {
  table: 'pg_temp.holdfast_large_objects',
  create: `create temporary table holdfast_large_objects (object oid, position int8, data bytea);`,
  copy: `copy pg_temp.holdfast_large_objects from stdin`,
  put: `select count(pg_catalog.lo_put(object, position, data)) as pieces from pg_temp.holdfast_large_objects;`,
  clear: `truncate pg_temp.holdfast_large_objects;`,
} as const;

/** How many large objects the role may not read; asked before a backup. */
export const unreadableLargeObjectsSql = ({ superuser }: ServerFacts): string | undefined =>
  superuser
    ? undefined
    : `select count(*)::int as count from pg_catalog.pg_largeobject_metadata m
        where current_setting('lo_compat_privileges') = 'off'
          and not pg_catalog.pg_has_role(m.lomowner, 'USAGE')
          and not exists (select from pg_catalog.aclexplode(m.lomacl) a
            where a.privilege_type = 'SELECT' and (a.grantee = 0 or pg_catalog.pg_has_role(a.grantee, 'USAGE')))`;
