// SQL names and literals. Whatever comes from a server or a user goes through here before it stands in a statement.
import { plainName, type QualifiedName } from '../schema-tables.ts';

export { plainName, type QualifiedName };

/** "orders", with its quotes. */
export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** U&"two\000Alines": what can be typed and read in one line. */
export const escapedIdentifier = (name: string): string =>
  `U&${quoteIdentifier(name.replaceAll(/[\\\p{Cc}]/gu, (char) => `\\${hexOf(char).padStart(4, '0')}`))}`;

const hexOf = (char: string): string => char.charCodeAt(0).toString(16).toUpperCase();

/** "public"."orders". */
export const quoteName = ({ schema, name }: QualifiedName): string =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;

/** 'text', in a form that does not depend on standard_conforming_strings. */
export const quoteLiteral = (value: string): string => {
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return value.includes('\\') ? ` E${quoted}` : quoted;
};

/** Reads 'orders', 'public.orders' or '"a.b"."C"' into its parts; undefined when it is none of these. */
export const parseName = (text: string): readonly string[] | undefined => {
  const part = '(?:"(?:[^"]|"")+"|[^".]+)';
  if (!new RegExp(`^${part}(?:\\.${part})*$`, 's').test(text)) return undefined;
  return (text.match(new RegExp(part, 'gs')) ?? []).map((each) =>
    each.startsWith('"') ? each.slice(1, -1).replaceAll('""', '"') : each,
  );
};
