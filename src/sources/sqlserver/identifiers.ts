// T-SQL names and literals. Whatever comes from a server or a user goes through here before it stands in a statement.
import { plainName, type QualifiedName } from '../schema-tables.ts';

export { plainName, type QualifiedName };

/** [orders], with its brackets. */
export const quoteIdentifier = (name: string): string => `[${name.replaceAll(']', ']]')}]`;

/** [dbo].[orders]. */
export const quoteName = ({ schema, name }: QualifiedName): string =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;

/** N'text', as it is: line breaks stay line breaks. */
export const quoteText = (text: string): string => `N'${text.replaceAll("'", "''")}'`;

/** Reads 'orders', 'dbo.orders' or '[a.b]."C"' into its parts; undefined when it is none of these. */
export const parseName = (text: string): readonly string[] | undefined => {
  const part = '(?:\\[(?:[^\\]]|\\]\\])+\\]|"(?:[^"]|"")+"|[^".[\\]]+)';
  if (!new RegExp(`^${part}(?:\\.${part})*$`, 's').test(text)) return undefined;
  return (text.match(new RegExp(part, 'gs')) ?? []).map((each) => {
    if (each.startsWith('[')) return each.slice(1, -1).replaceAll(']]', ']');
    return each.startsWith('"') ? each.slice(1, -1).replaceAll('""', '"') : each;
  });
};
