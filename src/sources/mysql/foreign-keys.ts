// Whether rows that refer to each other still do when some tables have the rows of a backup.
import { HoldfastError } from '#lib/errors.ts';
import { textOfBinary } from './binary-text.ts';
import type { Connection } from './connect.ts';
import { type CreateTable, isForeignKey } from './create-table.ts';
import { plainName, quoteIdentifier, quoteLiteral, quoteName } from './identifiers.ts';
import type { TargetServer } from './target-server.ts';

export interface PlacedTable {
  /** In the backup, and while it is loaded. */
  readonly name: string;
  /** In the target. */
  readonly newName: string;
  readonly definition: CreateTable;
}

export interface KeysRequest {
  readonly database: string;
  readonly staging: string;
  readonly tables: readonly PlacedTable[];
}

interface Key {
  readonly child: string;
  readonly parent: string;
  readonly childColumns: readonly string[];
  readonly parentColumns: readonly string[];
}

/** TARGET_FAILED, before anything has changed, for the first key that would be broken. Parents that are not there are not looked at. */
export const assertKeysHold = async (
  { admin: connection, nameHere }: TargetServer,
  request: KeysRequest,
): Promise<void> => {
  const { database, staging, tables } = request;
  const place = (table: string): string => {
    const staged = tables.find(({ newName }) => newName === table);
    return staged ? quoteName(staging, staged.name) : quoteName(database, table);
  };
  const present = new Set(
    (
      await connection.query<{ name: string }>(
        `select table_name as name from information_schema.tables where table_schema = ${quoteLiteral(database)}`,
      )
    ).map(({ name }) => name),
  );
  const own = tables.flatMap(ownKeys).map((key) => ({ ...key, parent: nameHere(key.parent) }));
  const others = (await Promise.all(tables.map((table) => keysTo(connection, database, table)))).flat();
  const isThere = (table: string): boolean =>
    present.has(table) || tables.some(({ newName }) => newName === table);
  const isReplaced = (table: string): boolean => tables.some(({ newName }) => newName === table);
  for (const key of [...own, ...others.filter(({ child }) => !isReplaced(child))])
    if (isThere(key.parent) && (await hasOrphans(connection, key, place)))
      throw new HoldfastError(
        'TARGET_FAILED',
        `rows of ${plainName(database, key.child)} would refer to rows of ${plainName(database, key.parent)} that are not there`,
        { hint: 'nothing was changed; restore both tables, or this one beside with --as' },
      );
};

const identifier = '`(?:[^`]|``)*`';
const keyPattern = new RegExp(
  `FOREIGN KEY \\((${identifier}(?:, ?${identifier})*)\\) REFERENCES (${identifier}) \\((${identifier}(?:, ?${identifier})*)\\)`,
  's',
);

/** Keys of the backup's tables. One into another database has another form, and is not looked at. */
const ownKeys = ({ newName, definition }: PlacedTable): Key[] =>
  definition.parts.filter(isForeignKey).flatMap((part) => {
    const [, childColumns, parent, parentColumns] = keyPattern.exec(textOfBinary(part)) ?? [];
    if (childColumns === undefined || parent === undefined || parentColumns === undefined) return [];
    const [parentName = ''] = names(parent);
    return [
      {
        child: newName,
        parent: parentName,
        childColumns: names(childColumns),
        parentColumns: names(parentColumns),
      },
    ];
  });

const names = (text: string): string[] =>
  (text.match(new RegExp(identifier, 'gs')) ?? []).map((each) => each.slice(1, -1).replaceAll('``', '`'));

/** Keys of tables in the target that refer to this one. */
const keysTo = async (connection: Connection, database: string, { newName }: PlacedTable): Promise<Key[]> => {
  const rows = await connection.query<{
    key: string;
    child: string;
    column: string;
    parent: string;
    parentColumn: string;
  }>(
    `select constraint_name as \`key\`, table_name as child, column_name as \`column\`, referenced_table_name as parent,
        referenced_column_name as parentColumn
      from information_schema.key_column_usage
      where table_schema = ${quoteLiteral(database)} and referenced_table_schema = ${quoteLiteral(database)}
        and referenced_table_name = ${quoteLiteral(newName)} order by ordinal_position`,
  );
  const keys = Map.groupBy(
    rows.filter(({ parent }) => parent === newName),
    ({ key, child }) => `${child}\0${key}`,
  );
  return [...keys.values()].map((columns) => ({
    child: columns[0]?.child ?? '',
    parent: newName,
    childColumns: columns.map(({ column }) => column),
    parentColumns: columns.map(({ parentColumn }) => parentColumn),
  }));
};

const hasOrphans = async (
  connection: Connection,
  { child, parent, childColumns, parentColumns }: Key,
  place: (table: string) => string,
): Promise<boolean> => {
  const filled = childColumns.map((column) => `c.${quoteIdentifier(column)} is not null`);
  const equal = childColumns.map(
    (column, index) => `p.${quoteIdentifier(parentColumns[index] ?? '')} = c.${quoteIdentifier(column)}`,
  );
  const [row] = await connection.query<{ broken: string }>(
    `select exists (select 1 from ${place(child)} c where ${filled.join(' and ')}
      and not exists (select 1 from ${place(parent)} p where ${equal.join(' and ')})) as broken`,
  );
  return row?.broken === '1';
};
