// Rows of the catalogue views, as the tests make them.
import type { Row } from '#sources/sqlserver/answers.ts';

const numbers: Readonly<Record<string, number>> = {
  image: 34,
  text: 35,
  uniqueidentifier: 36,
  date: 40,
  time: 41,
  datetime2: 42,
  datetimeoffset: 43,
  tinyint: 48,
  smallint: 52,
  int: 56,
  smalldatetime: 58,
  real: 59,
  money: 60,
  datetime: 61,
  float: 62,
  sql_variant: 98,
  ntext: 99,
  bit: 104,
  decimal: 106,
  numeric: 108,
  smallmoney: 122,
  bigint: 127,
  hierarchyid: 128,
  geometry: 129,
  geography: 130,
  varbinary: 165,
  varchar: 167,
  binary: 173,
  char: 175,
  timestamp: 189,
  nvarchar: 231,
  nchar: 239,
  xml: 241,
  sysname: 256,
};
export const types: Row[] = [
  ...Object.entries(numbers).map(([name, id]) => ({
    id,
    systemId: id === 256 ? 231 : id > 127 && id < 131 ? 240 : id,
    schema: 'sys',
    name,
    maxLength: 8,
    precision: 0,
    scale: 0,
    nullable: 1,
    userDefined: 0,
  })),
  {
    id: 300,
    systemId: 167,
    schema: 'dbo',
    name: 'code',
    maxLength: 10,
    precision: 0,
    scale: 0,
    nullable: 0,
    userDefined: 1,
  },
  {
    id: 301,
    systemId: 243,
    schema: 'dbo',
    name: 'ids',
    maxLength: -1,
    precision: 0,
    scale: 0,
    nullable: 0,
    userDefined: 1,
  },
];

export type ColumnOptions = {
  type: string | number;
  length?: number;
  precision?: number;
  scale?: number;
  collation?: string;
  nullable?: 0 | 1;
} & Partial<Record<'identity' | 'computed' | 'rowGuid' | 'sparse', 1>>;

export const columnsOf = (object: number, columns: Readonly<Record<string, ColumnOptions>>): Row[] =>
  Object.entries(columns).map(
    ([name, { type, length = 8, precision = 0, scale = 0, collation, nullable = 1, ...flags }], at) => ({
      object,
      id: at + 1,
      name,
      type: typeof type === 'number' ? type : (numbers[type] ?? 0),
      maxLength: length,
      precision,
      scale,
      collation: collation ?? null,
      nullable,
      identity: flags.identity ?? 0,
      computed: flags.computed ?? 0,
      rowGuid: flags.rowGuid ?? 0,
      sparse: flags.sparse ?? 0,
    }),
  );

export const latin = 'Latin1_General_CI_AS';
export const index = (object: number, id: number, name: string, rest: Row = {}): Row => ({
  object,
  id,
  name,
  type: 2,
  kind: 'NONCLUSTERED',
  unique: 0,
  primaryKey: 0,
  uniqueConstraint: 0,
  disabled: 0,
  filter: null,
  fillFactor: 0,
  ignoreDuplicates: 0,
  ...rest,
});
export const indexColumn = (
  object: number,
  indexId: number,
  column: number,
  position: number,
  rest: Row = {},
): Row => ({
  object,
  index: indexId,
  column,
  position,
  keyOrdinal: position,
  descending: 0,
  included: 0,
  ...rest,
});
export const object = (id: number, schema: string, name: string, type: string, parent = 0): Row => ({
  id,
  schema,
  name,
  type,
  parent,
});
