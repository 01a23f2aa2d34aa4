// sql_variant: a value that brings its own type. It is written as a cast, so that the type comes back too.
import { HoldfastError } from '#lib/errors.ts';
import { bytesLiteral, doubleLiteral, singleLiteral, textLiteral } from './literal.ts';
import { baseTypeSql } from './type-sql.ts';
import type { WireValue } from './value-codec.ts';

/** The value as text in a style that loses nothing, as bytes for what is binary, and what the type is made of. */
export const variantColumns = (column: string): readonly string[] => [
  baseOf(column),
  `CONVERT(int,${property(column, 'Precision')})`,
  `CONVERT(int,${property(column, 'Scale')})`,
  `CONVERT(int,${property(column, 'MaxLength')})`,
  `CONVERT(nvarchar(128),${property(column, 'Collation')})`,
  variantText(column, 'NULL'),
  `CASE WHEN ${baseOf(column)} IN ('binary','varbinary') THEN CONVERT(varbinary(8000),${column}) END`,
];

const property = (column: string, name: string): string => `SQL_VARIANT_PROPERTY(${column},'${name}')`;
const baseOf = (column: string): string => `CONVERT(nvarchar(128),${property(column, 'BaseType')})`;

/** Without a limit of length: 8000 letters of a varchar do not fit into any other nvarchar. */
export const variantText = (column: string, bytes: string): string => {
  const base = baseOf(column);
  const text = (value: string, style = ''): string => `CONVERT(nvarchar(max),${value}${style})`;
  return (
    `CASE WHEN ${base} IN ('binary','varbinary') THEN ${bytes}` +
    ` WHEN ${base} IN ('float','real') THEN ${text(`CONVERT(float,${column})`, ',3')}` +
    ` WHEN ${base} IN ('money','smallmoney') THEN ${text(`CONVERT(decimal(19,4),${column})`)}` +
    ` WHEN ${base}='datetime2' THEN ${text(`CONVERT(datetime2(7),${column})`, ',121')}` +
    ` WHEN ${base}='datetimeoffset' THEN ${text(`CONVERT(datetimeoffset(7),${column})`, ',121')}` +
    ` WHEN ${base}='time' THEN ${text(`CONVERT(time(7),${column})`, ',121')}` +
    ` WHEN ${base}='date' THEN ${text(`CONVERT(date,${column})`, ',23')}` +
    ` WHEN ${base} IN ('datetime','smalldatetime') THEN ${text(`CONVERT(datetime,${column})`, ',126')}` +
    ` ELSE ${text(column)} END`
  );
};

/** CAST(N'x' COLLATE … AS varchar(10)), of the values of `variantColumns`. */
export const variantLiteral = (values: readonly WireValue[]): string => {
  const [base, precision, scale, maxLength, collation, text, bytes] = values;
  if (base === null || base === undefined) return 'NULL';
  const name = `${base}`;
  const type = baseTypeSql({
    name,
    base: name,
    precision: Number(precision ?? 0),
    scale: Number(scale ?? 0),
    // A string of no characters has no length to its name, and a type must have one; Babelfish tells of none at all by a large one.
    maxLength: Math.min(Math.max(Number(maxLength ?? 0), name.startsWith('n') ? 2 : 1), 8000),
  });
  const literal = plainLiteral(name, text, bytes);
  // The collation comes first: it says in which code page the characters of a varchar are.
  const collated =
    collation === null || collation === undefined ? '' : ` COLLATE ${collationName(`${collation}`)}`;
  return `CAST(${literal}${collated} AS ${type})`;
};

const plainLiteral = (base: string, text: WireValue | undefined, bytes: WireValue | undefined): string => {
  if (bytes instanceof Uint8Array) return bytesLiteral(bytes);
  const told = `${text ?? ''}`;
  if (base === 'float') return doubleLiteral(Number(told));
  if (base === 'real') return singleLiteral(Number(told));
  return /^-?\d+(\.\d+)?$/.test(told) && /int$|decimal|numeric|money|^bit$/.test(base)
    ? told
    : textLiteral(told);
};

const collationName = (name: string): string => {
  if (/^\w+$/.test(name)) return name;
  throw new HoldfastError('ITEM_UNREADABLE', `the server names the collation ${JSON.stringify(name)}`);
};
