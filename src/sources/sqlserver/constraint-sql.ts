// Keys, indexes, checks, foreign keys and the periods of temporal tables as T-SQL.
import { quoteIdentifier, quoteName } from './identifiers.ts';
import type { Check, ForeignKey, Index, Table } from './model.ts';
import { keyColumnSql } from './table-sql.ts';

type TableName = Pick<Table, 'schema' | 'name'>;

export const indexSql = (table: TableName, index: Index): string => {
  const name = quoteIdentifier(index.name);
  const order = index.clustered ? 'CLUSTERED' : 'NONCLUSTERED';
  if (index.kind === 'columnstore') {
    const columns = index.clustered
      ? ''
      : ` (${index.columns.map((column) => quoteIdentifier(column.name)).join(', ')})`;
    return `CREATE ${order} COLUMNSTORE INDEX ${name} ON ${quoteName(table)}${columns}${whereSql(index)}${optionsSql(index)}`;
  }
  const columns = index.columns.map(keyColumnSql).join(', ');
  if (index.kind !== 'index')
    return `ALTER TABLE ${quoteName(table)} ADD CONSTRAINT ${name} ${index.kind.toUpperCase()} ${order} (${columns})${optionsSql(index)}`;
  const included =
    index.included.length > 0 ? ` INCLUDE (${index.included.map(quoteIdentifier).join(', ')})` : '';
  return `CREATE ${index.unique ? 'UNIQUE ' : ''}${order} INDEX ${name} ON ${quoteName(table)} (${columns})${included}${whereSql(index)}${optionsSql(index)}`;
};

const whereSql = ({ filter }: Index): string => (filter === undefined ? '' : ` WHERE ${filter}`);

const optionsSql = ({ fillFactor, ignoreDuplicates, compression }: Index): string => {
  const options = [
    fillFactor !== undefined && `FILLFACTOR = ${fillFactor}`,
    ignoreDuplicates && 'IGNORE_DUP_KEY = ON',
    compression && `DATA_COMPRESSION = ${compression}`,
  ];
  const given = options.filter((option) => typeof option === 'string');
  return given.length > 0 ? ` WITH (${given.join(', ')})` : '';
};

export const disableIndexSql = (table: TableName, { name }: Index): string =>
  `ALTER INDEX ${quoteIdentifier(name)} ON ${quoteName(table)} DISABLE`;

/** A constraint that not every row was held against is made so again; one that was, is checked against the rows. */
const addSql = (
  table: TableName,
  { name, disabled, notTrusted }: Check | ForeignKey,
  rest: string,
): string[] => {
  const how = notTrusted || disabled ? 'WITH NOCHECK ' : '';
  const constraint = quoteIdentifier(name);
  const add = `ALTER TABLE ${quoteName(table)} ${how}ADD CONSTRAINT ${constraint} ${rest}`;
  return disabled ? [add, `ALTER TABLE ${quoteName(table)} NOCHECK CONSTRAINT ${constraint}`] : [add];
};

export const checkSql = (table: TableName, check: Check): string[] =>
  addSql(table, check, `CHECK ${check.definition}`);

export const foreignKeySql = (table: TableName, key: ForeignKey): string[] => {
  const columns = key.columns.map(quoteIdentifier).join(', ');
  const target = `${quoteName(key.references)} (${key.references.columns.map(quoteIdentifier).join(', ')})`;
  const onDelete = key.onDelete === 'NO ACTION' ? '' : ` ON DELETE ${key.onDelete}`;
  const onUpdate = key.onUpdate === 'NO ACTION' ? '' : ` ON UPDATE ${key.onUpdate}`;
  return addSql(table, key, `FOREIGN KEY (${columns}) REFERENCES ${target}${onDelete}${onUpdate}`);
};

/** A temporal table becomes one when its rows, old and new, are there with their times. */
export const temporalSql = (table: Table): string[] => {
  const start = table.columns.find(({ period }) => period === 'start');
  const end = table.columns.find(({ period }) => period === 'end');
  if (!start || !end) return [];
  const name = quoteName(table);
  const { history } = table;
  const kept = history?.retention === undefined ? '' : `, HISTORY_RETENTION_PERIOD = ${history.retention}`;
  return [
    `ALTER TABLE ${name} ADD PERIOD FOR SYSTEM_TIME (${quoteIdentifier(start.name)}, ${quoteIdentifier(end.name)})`,
    ...[start, end]
      .filter(({ hidden }) => hidden)
      .map((column) => `ALTER TABLE ${name} ALTER COLUMN ${quoteIdentifier(column.name)} ADD HIDDEN`),
    ...(history
      ? [
          `ALTER TABLE ${name} SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = ${quoteName(history)}, DATA_CONSISTENCY_CHECK = OFF${kept}))`,
        ]
      : []),
  ];
};
