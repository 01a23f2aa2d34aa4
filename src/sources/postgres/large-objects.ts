// Large objects, as COPY rows of number, position and bytes: read by whoever may read them, loaded by lo_put. pg_dump has no
// part in them, because in which of its sections they are depends on its version.
import { quoteLiteral } from './identifiers.ts';
import type { ServerFacts } from './listing.ts';
import type { Reading } from './reading.ts';

/** The name under which a manifest counts them. */
export const largeObjectsName = 'large objects';

/** So many numbers share a file. */
const groupNumbers = 65_536;
/** A row holds so many bytes, twice as long in hex. */
const pieceBytes = 256 * 1024;

/** The numbers of the files that the large objects of a database are in. */
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

/** What the objects are besides their bytes: a row each of number, owner, comment, and the statements that grant. */
export const largeObjectDefinitionsSql = (encoding: string): string => `copy (
    select m.oid, pg_catalog.pg_get_userbyid(m.lomowner), pg_catalog.obj_description(m.oid, 'pg_largeobject'),
      case when m.lomacl is not null then (
        select format('revoke all on large object %s from %I;', m.oid, pg_catalog.pg_get_userbyid(m.lomowner))
          || coalesce(string_agg(format(' grant %s on large object %s to %s%s;', a.privilege_type, m.oid,
            case a.grantee when 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end,
            case when a.is_grantable then ' with grant option' else '' end), '' order by a.place), '')
        from pg_catalog.aclexplode(m.lomacl) with ordinality a (grantor, grantee, privilege_type, is_grantable, place)) end
    from pg_catalog.pg_largeobject_metadata m order by m.oid
  ) to stdout with (format text, encoding ${quoteLiteral(encoding)})`;

/** How rows become large objects again, by way of temporary tables: first the objects, then what is in them. */
export const largeObjectLoad = {
  definitions: {
    table: 'pg_temp.holdfast_large_objects',
    create:
      'create temporary table holdfast_large_objects (object oid, owner text, comment text, privileges text);',
    use: `do $$
declare o record;
begin
  for o in select * from pg_temp.holdfast_large_objects loop
    perform pg_catalog.lo_create(o.object);
    if o.comment is not null then execute format('comment on large object %s is %L', o.object, o.comment); end if;
    if o.owner <> current_user or o.privileges is not null then
      begin
        execute format('alter large object %s owner to %I;', o.object, o.owner) || coalesce(o.privileges, '');
      exception when insufficient_privilege or undefined_object then
        raise warning 'large object % stays with its present owner and privileges: %', o.object, sqlerrm;
      end;
    end if;
  end loop;
end $$;`,
  },
  bytes: {
    table: 'pg_temp.holdfast_large_object_bytes',
    create: 'create temporary table holdfast_large_object_bytes (object oid, position int8, data bytea);',
    use: 'select count(pg_catalog.lo_put(object, position, data)) as pieces from pg_temp.holdfast_large_object_bytes;',
  },
} as const;

/** How many of the objects just made have another owner than they had. */
export const otherOwnersSql = `select count(*)::int as count from pg_temp.holdfast_large_objects h
  join pg_catalog.pg_largeobject_metadata m on m.oid = h.object where pg_catalog.pg_get_userbyid(m.lomowner) <> h.owner`;

/** How many large objects the role may not read; asked before a backup. */
export const unreadableLargeObjectsSql = ({ superuser }: ServerFacts): string | undefined =>
  superuser
    ? undefined
    : `select count(*)::int as count from pg_catalog.pg_largeobject_metadata m
        where current_setting('lo_compat_privileges') = 'off'
          and not pg_catalog.pg_has_role(m.lomowner, 'USAGE')
          and not exists (select from pg_catalog.aclexplode(m.lomacl) a
            where a.privilege_type = 'SELECT' and (a.grantee = 0 or pg_catalog.pg_has_role(a.grantee, 'USAGE')))`;
