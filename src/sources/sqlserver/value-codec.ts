// How the values of each type are read and written. What a driver would round or shift (decimals, money, times) is turned into text
// by the server itself.
import { HoldfastError } from '#lib/errors.ts';
import { quoteIdentifier } from './identifiers.ts';
import { bytesLiteral, doubleLiteral, singleLiteral, textLiteral } from './literal.ts';
import type { Column, TypeUse } from './model.ts';
import { baseTypeSql } from './type-sql.ts';
import { variantColumns, variantLiteral } from './variant.ts';

/** A value as the driver hands it over. */
export type WireValue = string | number | bigint | boolean | Uint8Array | null;

export interface ValueCodec {
  /** What to select of the column; its values come in as many. */
  readonly select: readonly string[];
  literal(values: readonly WireValue[]): string;
  /** How to load it in bulk: as what, and what makes the value of it again. Absent where that is not safe. */
  readonly staged?: { readonly as: 'text' | 'bytes'; value(column: string): string };
}

const withoutIt = 'leave the table out with `exclude`, or keep the whole database with `native`';

/** ITEM_UNREADABLE for a type that is not known here. */
export const codecOf = ({
  name,
  type,
  encrypted,
}: Pick<Column, 'name' | 'type' | 'encrypted'>): ValueCodec => {
  if (encrypted)
    throw new HoldfastError('ITEM_UNREADABLE', `column ${name} is encrypted by clients (Always Encrypted)`, {
      hint: withoutIt,
    });
  const make = codecs[type.base];
  if (make) return make(quoteIdentifier(name), type);
  throw new HoldfastError(
    'ITEM_UNREADABLE',
    `column ${name} is of the type ${type.base}, which is not known`,
    { hint: withoutIt },
  );
};

type MakeCodec = (column: string, type: TypeUse) => ValueCodec;

const single =
  (
    select: (column: string) => string,
    literal: (value: Exclude<WireValue, null>) => string,
    staged?: ValueCodec['staged'],
  ) =>
  (column: string): ValueCodec => ({
    select: [select(column)],
    literal: ([value = null]) => (value === null ? 'NULL' : literal(value)),
    ...(staged && { staged }),
  });

const asIs = (column: string): string => column;
const asText = (column: string): string => `CONVERT(nvarchar(max),${column})`;
const asBytes = (column: string): string => `CONVERT(varbinary(max),${column})`;

const numberText = (value: WireValue): string => {
  const text = `${value}`;
  if (/^-?\d+(\.\d+)?$/.test(text)) return text;
  throw new HoldfastError('ITEM_UNREADABLE', `the server sent ${JSON.stringify(text)} for a number`);
};
const quoted = (value: WireValue): string => {
  if (!(value instanceof Uint8Array)) return textLiteral(`${value}`);
  throw new HoldfastError('ITEM_UNREADABLE', 'the server sent bytes for a text');
};
const hex = (value: WireValue): string => {
  if (value instanceof Uint8Array && value.length <= longestBytes) return bytesLiteral(value);
  if (value instanceof Uint8Array)
    throw new HoldfastError(
      'ITEM_UNREADABLE',
      `a value of ${value.length} bytes is too long for a line of rows`,
      { hint: withoutIt },
    );
  throw new HoldfastError('ITEM_UNREADABLE', 'the server sent no bytes for a binary value');
};

/** As text they are twice as long, and a text has at most half a billion letters. */
const longestBytes = 250_000_000;

/** Not as CONVERT: the two mean the same, but Babelfish reads the `T` of a time only in a CAST. */
const converted = (type: TypeUse) => ({
  as: 'text' as const,
  value: (column: string) => `CAST(${column} AS ${baseTypeSql(type)})`,
});

const integer: MakeCodec = (column, type) => single(asIs, numberText, converted(type))(column);
const bit: MakeCodec = (column, type) =>
  single(
    asIs,
    (value) => (typeof value === 'boolean' ? `${Number(value)}` : numberText(value)),
    converted(type),
  )(column);
/** `width` characters hold any value of the type. */
const number =
  (width: number, cast: (column: string, type: TypeUse) => string): MakeCodec =>
  (column, type) =>
    single((name) => `CONVERT(varchar(${width}),${cast(name, type)})`, numberText, converted(type))(column);
const float =
  (literal: (value: number) => string): MakeCodec =>
  (column) =>
    single(asIs, (value) => literal(toNumber(value)), {
      as: 'text',
      value: (name) => `CAST(${name} AS float)`,
    })(column);

const toNumber = (value: WireValue): number => {
  const read = Number(value);
  if (value !== '' && Number.isFinite(read)) return read;
  throw new HoldfastError('ITEM_UNREADABLE', `the server sent ${JSON.stringify(`${value}`)} for a number`);
};

/** In a style that reads the same whatever the language and date format of a session. */
const time =
  (style: number): MakeCodec =>
  (column, type) =>
    single((name) => `CONVERT(varchar(40),${name},${style})`, quoted, converted(type))(column);
const character: MakeCodec = (column) => single(asText, quoted, { as: 'text', value: asIs })(column);
const national: MakeCodec = (column) => single(asIs, quoted, { as: 'text', value: asIs })(column);
const binary: MakeCodec = (column, type) =>
  single(asIs, hex, { as: 'bytes', value: (name) => `CAST(${name} AS ${baseTypeSql(type)})` })(column);
const image: MakeCodec = (column) => single(asBytes, hex)(column);
const common: MakeCodec = (column, type) => single(asIs, quoted, converted(type))(column);
/** Kept as the server keeps it: the text forms of spatial types have no reference system. */
const serialized: MakeCodec = (column, { base }) =>
  single(asBytes, (value) => `CAST(${hex(value)} AS ${base})`)(column);

/** White space between elements would be lost; style 1 keeps it. */
const xml: MakeCodec = (column) =>
  single(asText, (value) =>
    /(^|>)\s+(<|$)/.test(`${value}`) ? `CONVERT(xml,${quoted(value)},1)` : quoted(value),
  )(column);

const json: MakeCodec = (column) => single(asText, quoted)(column);

const codecs: Readonly<Record<string, MakeCodec>> = {
  tinyint: integer,
  smallint: integer,
  int: integer,
  bigint: integer,
  bit,
  decimal: number(41, asIs),
  numeric: number(41, asIs),
  // As money, the default style has two digits.
  money: number(41, (column) => `CONVERT(decimal(19,4),${column})`),
  smallmoney: number(41, (column) => `CONVERT(decimal(10,4),${column})`),
  float: float(doubleLiteral),
  real: float(singleLiteral),
  date: time(23),
  datetime: time(126),
  smalldatetime: time(126),
  datetime2: time(121),
  datetimeoffset: time(121),
  time: time(121),
  char: character,
  varchar: character,
  text: character,
  nchar: national,
  nvarchar: national,
  ntext: character,
  sysname: national,
  binary,
  varbinary: binary,
  image,
  uniqueidentifier: common,
  xml,
  json,
  vector: json,
  hierarchyid: serialized,
  geography: serialized,
  geometry: serialized,
  sql_variant: (column) => ({ select: variantColumns(column), literal: variantLiteral }),
};
