// What a server and a database have, as the catalogue tells it within the current transaction.
import type { Connection } from './connect.ts';
import type { QualifiedName } from './identifiers.ts';

export interface ServerFacts {
  /** '15.4'. */
  readonly version: string;
  readonly major: number;
  readonly standby: boolean;
  readonly superuser: boolean;
  readonly blockSize: number;
}

export const serverFacts = async (connection: Connection): Promise<ServerFacts> => {
  const [row] = await connection.query<Omit<ServerFacts, 'major'>>(
    `select current_setting('server_version') as version,
      pg_catalog.pg_is_in_recovery() as standby,
      current_setting('is_superuser') = 'on' as superuser,
      current_setting('block_size')::int as "blockSize"`,
  );
  const major = Math.floor(connection.version / 10_000);
  const { version = '', standby = false, superuser = false, blockSize = 8192 } = row ?? {};
  return { version, major, standby, superuser, blockSize };
};

/** The end of a hint to grant something: what lets a role read everything, on servers that have it. */
export const orReadAll = (major: number): string => (major >= 14 ? ', or grant pg_read_all_data' : '');

export interface FoundDatabase {
  readonly name: string;
  /** Why nobody can connect to it, if so. */
  readonly closed: 'no connections' | 'invalid' | null;
}

/** Every database but the two templates that each server has. One whose removal was interrupted is invalid. */
export const listDatabases = (connection: Connection): Promise<FoundDatabase[]> =>
  connection.query<FoundDatabase>(
    `select datname::text as name,
        case when datconnlimit = -2 then 'invalid' when not datallowconn then 'no connections' end as closed
      from pg_catalog.pg_database where datname not in ('template0', 'template1')`,
  );

/** What `alter database … set search_path` has set, if anything. */
export const databaseSearchPath = async (connection: Connection): Promise<string | undefined> => {
  const [row] = await connection.query<{ path: string }>(
    `select substr(setting, length('search_path=') + 1) as path
      from pg_catalog.pg_db_role_setting s join pg_catalog.pg_database d on d.oid = s.setdatabase, unnest(s.setconfig) setting
      where d.datname = current_database() and s.setrole = 0 and setting like 'search\\_path=%'`,
  );
  return row?.path;
};

/** A relation that has rows, or the parent of some that have. */
export interface Table extends QualifiedName {
  readonly oid: number;
  readonly kind: 'table' | 'partitioned' | 'foreign';
  readonly unlogged: boolean;
  /** A heap: only there a row's place has the form that ranges are made of. */
  readonly heap: boolean;
  /** A partitioned table that finds a row's partition by the hash of an enum. */
  readonly hashesEnums: boolean;
  /** False when a privilege is missing, on it or its schema. */
  readonly readable: boolean;
  /** Of the table as it is now; another one than in the snapshot means that all rows have moved. */
  readonly sameStorage: boolean;
  /** Those that COPY takes: all but the generated ones. */
  readonly columns: readonly string[];
  readonly parents: readonly QualifiedName[];
  /** Of a table that belongs to an extension: which of its rows are the user's ('WHERE …', or ''). */
  readonly extensionCondition: string | undefined;
}

/** All tables of users, sorted; those of an extension only where it keeps its users' data. */
export const listTables = async (connection: Connection): Promise<Table[]> => {
  const rows = await connection.query<TableRow>(tablesSql);
  return rows.map((row) => ({ ...row, extensionCondition: row.extensionCondition ?? undefined }));
};

interface TableRow extends Omit<Table, 'extensionCondition'> {
  readonly extensionCondition: string | null;
}

/** How large tables are. The server locks each to find out, so only those are asked for that we have locked. */
export const tableSizes = async (
  connection: Connection,
  oids: readonly number[],
): Promise<Map<number, number>> => {
  const rows = await connection.query<{ oid: number; bytes: string }>(
    `select c.oid::int8::float8 as oid, pg_catalog.pg_relation_size(c.oid)::text as bytes
      from unnest($1::int8[]) wanted join pg_catalog.pg_class c on c.oid = wanted::oid and c.relkind = 'r'`,
    [oids],
  );
  return new Map(rows.map(({ oid, bytes }) => [oid, Number(bytes)]));
};

/** Schemas of the system begin with pg_, and no others can. */
const ownSchemas = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

const tablesSql = `
  select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name,
    case c.relkind when 'r' then 'table' when 'p' then 'partitioned' else 'foreign' end as kind,
    c.relpersistence = 'u' as unlogged,
    coalesce(a.amname = 'heap', false) as heap,
    exists (select from pg_catalog.pg_partitioned_table h
      join pg_catalog.pg_opclass o on o.oid = any (h.partclass) and o.opcname = 'enum_ops'
      where h.partrelid = c.oid and h.partstrat = 'h') as "hashesEnums",
    coalesce(has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT'), false) as readable,
    c.relkind <> 'r' or c.relfilenode is not distinct from pg_catalog.pg_relation_filenode(c.oid) as "sameStorage",
    array(select t.attname::text from pg_catalog.pg_attribute t
      where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped and t.attgenerated = ''
      order by t.attnum) as columns,
    coalesce((select json_agg(json_build_object('schema', pn.nspname, 'name', p.relname) order by i.inhseqno)
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class p on p.oid = i.inhparent
      join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
      where i.inhrelid = c.oid), '[]') as parents,
    e.extcondition[array_position(e.extconfig, c.oid)] as "extensionCondition"
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_am a on a.oid = c.relam
  left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
    and d.objsubid = 0 and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'
  left join pg_catalog.pg_extension e on e.oid = d.refobjid
  where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't' and ${ownSchemas}
    and (e.oid is null or array_position(e.extconfig, c.oid) is not null)
  order by n.nspname collate "C", c.relname collate "C"`;

export interface Sequence extends QualifiedName {
  readonly readable: boolean;
  /** The table whose column it counts for. */
  readonly owner: QualifiedName | null;
}

/** All sequences of users, sorted; those of an extension only where it keeps its users' data. */
export const listSequences = (connection: Connection): Promise<Sequence[]> =>
  connection.query<Sequence>(`
    select n.nspname::text as schema, c.relname::text as name,
      coalesce(has_schema_privilege(n.oid, 'USAGE') and has_sequence_privilege(c.oid, 'SELECT'), false) as readable,
      (select json_build_object('schema', tn.nspname, 'name', t.relname)
        from pg_catalog.pg_depend o
        join pg_catalog.pg_class t on t.oid = o.refobjid
        join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
        where o.classid = 'pg_catalog.pg_class'::regclass and o.objid = c.oid and o.objsubid = 0
          and o.refclassid = 'pg_catalog.pg_class'::regclass and o.refobjsubid > 0 and o.deptype in ('a', 'i')
        limit 1) as owner
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
      and d.objsubid = 0 and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'
    left join pg_catalog.pg_extension e on e.oid = d.refobjid
    where c.relkind = 'S' and c.relpersistence <> 't' and ${ownSchemas}
      and (e.oid is null or array_position(e.extconfig, c.oid) is not null)
    order by n.nspname collate "C", c.relname collate "C"`);

export interface View extends QualifiedName {
  readonly oid: number;
}

/** Views, materialised or not, with the relations that each is made from. */
export interface ViewUse {
  readonly view: View;
  readonly uses: number;
}

export const listViewUses = (connection: Connection): Promise<ViewUse[]> =>
  connection.query<ViewUse>(`
    select distinct json_build_object('oid', v.oid::int8, 'schema', n.nspname, 'name', v.relname)::jsonb as view,
      d.refobjid::int8::float8 as uses
    from pg_catalog.pg_rewrite r
    join pg_catalog.pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm')
    join pg_catalog.pg_namespace n on n.oid = v.relnamespace
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
      and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> v.oid
    where ${ownSchemas}`);

/** The roles that own something here, or are granted something; the server's first superuser is always among them. */
export const listRoles = async (connection: Connection): Promise<string[]> => {
  const rows = await connection.query<{ name: string }>(`
    select r.rolname::text as name from pg_catalog.pg_roles r
    where r.oid = 10 or exists (
      select from pg_catalog.pg_shdepend s
      join pg_catalog.pg_database b on b.datname = current_database()
      where s.refclassid = 'pg_catalog.pg_authid'::regclass and s.refobjid = r.oid
        and (s.dbid = b.oid or (s.dbid = 0 and s.classid = 'pg_catalog.pg_database'::regclass and s.objid = b.oid)))
    order by r.rolname collate "C"`);
  return rows.map(({ name }) => name);
};
