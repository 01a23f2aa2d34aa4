// What a partial backup reads: the tables that were chosen, those that they refer to, and the statement for the rows of each.
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { ChangedTable, ChangeRules } from '../receiver.ts';
import type { Connection } from './connect.ts';
import { type ForeignKey, listForeignKeys, withReferred } from './foreign-keys.ts';
import { plainName, quoteIdentifier, quoteLiteral, quoteName } from './identifiers.ts';
import { tablePath } from './layout.ts';
import { listTables, type Table } from './listing.ts';
import { fitsTable } from './patterns.ts';

export interface PartialPlan {
  /** In the order of their foreign keys. */
  readonly tables: readonly ChangedTable[];
  /** Selects columns of the rows that are captured of a table. */
  rowsSql(table: ChangedTable, columns: string): string;
}

/** Asks the catalogue within the transaction; `since` is a time as the server wrote it. */
export const planPartial = async (
  connection: Connection,
  { tables: chosen }: ChangeRules,
  since: string,
): Promise<PartialPlan> => {
  const present = await listTables(connection);
  const byName = new Map(present.map((table) => [plainName(table), table]));
  const wanted = new Map(
    chosen.map(({ table, by }) => {
      const found = tableNamed(connection.database, present, table);
      return [plainName(found), { found, by }] as const;
    }),
  );
  const keys = await listForeignKeys(connection);
  const order = withReferred(
    [...wanted.values()].map(({ found }) => found),
    keys,
  );
  const columns = await columnsOf(connection);
  const zone = await timeZoneOf(connection);
  const tables = order.map((name): Planned => {
    const table = byName.get(plainName(name));
    if (table === undefined || !table.readable) throw unreadable(plainName(name));
    const own = columns.filter(({ oid }) => oid === table.oid);
    const by = wanted.get(plainName(name))?.by ?? null;
    const key = own
      .filter(({ keyPart }) => keyPart !== null)
      .toSorted((a, b) => Number(a.keyPart) - Number(b.keyPart));
    if (key.length === 0) throw withoutKey(plainName(name));
    const described = { schema: table.schema, name: table.name, columns: [...table.columns], by };
    return {
      table: { ...described, key: key.map((column) => column.name), path: `${tablePath(table)}.copy` },
      from: `${table.kind === 'partitioned' ? '' : 'only '}${quoteName(table)}`,
      changed: by === null ? undefined : changedSql(plainName(name), by, own, since, zone),
    };
  });
  return { tables: tables.map(({ table }) => table), rowsSql: rowsSqlOf(tables, keys) };
};

interface Planned {
  readonly table: ChangedTable;
  /** As FROM has it. */
  readonly from: string;
  /** The condition for rows that changed, of a table called t. */
  readonly changed: string | undefined;
}

/** A table to which nothing captured refers needs only its own condition; others, all that leads to them. */
const rowsSqlOf = (tables: readonly Planned[], keys: readonly ForeignKey[]): PartialPlan['rowsSql'] => {
  const numberOf = (name: string): number => tables.findIndex(({ table }) => plainName(table) === name);
  const steps = keys.flatMap(({ from, to, fromColumns, toColumns }): string[] => {
    const [source, target] = [numberOf(plainName(from)), numberOf(plainName(to))];
    if (source < 0 || target < 0) return [];
    const pairs = fromColumns.map(
      (column, at) => `r.${quoteIdentifier(toColumns[at] ?? '')} = t.${quoteIdentifier(column)}`,
    );
    return [
      `select ${target} as n, r.tableoid::int8 as part, r.ctid::text as place from ${tables[source]?.from} t
        join ${tables[target]?.from} r on ${pairs.join(' and ')}
        where w.n = ${source} and t.tableoid = w.part::oid and t.ctid = w.place::tid`,
    ];
  });
  const first = tables.flatMap(({ from, changed }, number) =>
    changed === undefined
      ? []
      : [
          `select ${number} as n, t.tableoid::int8 as part, t.ctid::text as place from ${from} t where ${changed}`,
        ],
  );
  const all = `with recursive wanted (n, part, place) as (
      (${first.join(' union all ')}) union
      select k.n, k.part, k.place from wanted w cross join lateral (${steps.join(' union all ')}) k)`;
  return (table, columns) => {
    const number = numberOf(plainName(table));
    const planned = tables[number] as Planned;
    const referred = keys.some(
      ({ to, from }) => plainName(to) === plainName(table) && numberOf(plainName(from)) >= 0,
    );
    if (!referred) return `select ${columns} from ${planned.from} t where ${planned.changed ?? 'false'}`;
    return `${all} select ${columns} from wanted w join ${planned.from} t
      on t.tableoid = w.part::oid and t.ctid = w.place::tid where w.n = ${number}`;
  };
};

interface Column {
  readonly oid: number;
  readonly name: string;
  readonly type: string;
  /** Its place in the primary key. */
  readonly keyPart: number | null;
}

const columnsOf = (connection: Connection): Promise<Column[]> =>
  connection.query<Column>(`
    select c.oid::int8::float8 as oid, a.attname::text as name, t.typname::text as type,
      array_position(i.indkey::int2[], a.attnum) as "keyPart"
    from pg_catalog.pg_class c
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
    where c.relkind in ('r', 'p')`);

/** In which times without a zone are meant: the database's own, not that of our session. */
const timeZoneOf = async (connection: Connection): Promise<string> => {
  const [row] = await connection.query<{ zone: string }>(
    `select reset_val as zone from pg_catalog.pg_settings where name = 'TimeZone'`,
  );
  return row?.zone ?? 'UTC';
};

const changedSql = (
  table: string,
  by: string,
  columns: readonly Column[],
  since: string,
  zone: string,
): string => {
  const type = columns.find(({ name }) => name === by)?.type;
  const moment = `${quoteLiteral(since)}::timestamptz`;
  const local = `(${moment} at time zone ${quoteLiteral(zone)})`;
  const start = { timestamptz: moment, timestamp: local, date: `${local}::date` }[type ?? ''];
  if (start !== undefined) return `t.${quoteIdentifier(by)} >= ${start}`;
  throw new HoldfastError(
    'CONFIG_INVALID',
    type === undefined
      ? `table ${table} has no column ${by}`
      : `${table}.${by} is of type ${type}, and no time`,
    { hint: 'name the column that has the time of the last change, in `partial: { by: … }`' },
  );
};

const tableNamed = (database: string, present: readonly Table[], wanted: string): Table => {
  const tables = present.filter(({ kind }) => kind !== 'foreign');
  const found = tables.filter((table) => fitsTable(wanted, database, table));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const names = tables.map(plainName);
  throw new HoldfastError(
    'CONFIG_INVALID',
    only ? `${wanted} is more than one table` : `there is no table ${wanted}${didYouMean(wanted, names)}`,
    { hint: only ? `say which: ${found.map(plainName).join(', ')}` : 'check `partial: { tables: … }`' },
  );
};

const unreadable = (table: string): HoldfastError =>
  new HoldfastError('SOURCE_DENIED', `table ${table}, to which changed rows refer, cannot be read`, {
    hint: `grant select on ${table} to the role of the source`,
  });

const withoutKey = (table: string): HoldfastError =>
  new HoldfastError('UNSUPPORTED', `table ${table} has no primary key, so its rows cannot be told apart`, {
    hint: 'give it one, or leave it to the complete backups',
  });
