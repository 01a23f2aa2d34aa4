// Which tables refer to which, and in what order rows can be taken in.
import type { Connection } from './connect.ts';
import { plainName, type QualifiedName } from './identifiers.ts';

export interface ForeignKey {
  readonly from: QualifiedName;
  readonly to: QualifiedName;
  /** Pair by pair. */
  readonly fromColumns: readonly string[];
  readonly toColumns: readonly string[];
}

/** Those of partitions are told by their parents. */
export const listForeignKeys = (connection: Connection): Promise<ForeignKey[]> => list(connection, 'true');

/** Those between tables that extensions made: unlike all others, they are there before rows are loaded. */
export const listExtensionKeys = (connection: Connection): Promise<ForeignKey[]> =>
  list(
    connection,
    `k.conrelid <> k.confrelid and exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
      and d.objid = k.conrelid and d.objsubid = 0 and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e')`,
  );

const list = (connection: Connection, condition: string): Promise<ForeignKey[]> =>
  connection.query<ForeignKey>(`
    select json_build_object('schema', fn.nspname, 'name', f.relname) as "from",
      json_build_object('schema', tn.nspname, 'name', t.relname) as "to",
      array(select a.attname::text from unnest(k.conkey) with ordinality as c (number, place)
        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number order by c.place) as "fromColumns",
      array(select a.attname::text from unnest(k.confkey) with ordinality as c (number, place)
        join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = c.number order by c.place) as "toColumns"
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class f on f.oid = k.conrelid join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
    join pg_catalog.pg_class t on t.oid = k.confrelid join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
    where k.contype = 'f' and k.conparentid = 0 and ${condition} order by k.oid`);

/** The tables and all that they refer to, those that are referred to first; where they refer to each other, as it comes. */
export const withReferred = (
  tables: readonly QualifiedName[],
  keys: readonly ForeignKey[],
): QualifiedName[] => {
  const found = new Map<string, QualifiedName>();
  const seen = new Set<string>();
  const visit = (table: QualifiedName): void => {
    const name = plainName(table);
    if (seen.has(name)) return;
    seen.add(name);
    for (const { from, to } of keys) if (plainName(from) === name) visit(to);
    found.set(name, table);
  };
  for (const table of tables) visit(table);
  return [...found.values()];
};
