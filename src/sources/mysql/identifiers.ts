// SQL names and literals. Whatever comes from a server or a user goes through here before it stands in a statement.

/** `orders`, with its quotes. */
export const quoteIdentifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** `shop`.`orders`. */
export const quoteName = (database: string, name: string): string =>
  `${quoteIdentifier(database)}.${quoteIdentifier(name)}`;

/** 'text', for sessions in which a backslash escapes, as it does in all of ours. */
export const quoteLiteral = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;

/** 'shop.orders': for people, and to compare. */
export const plainName = (database: string, name: string): string => `${database}.${name}`;

/** Reads 'orders', 'shop.orders' or '`a.b`.`C`' into its parts; undefined when it is none of these. */
export const parseName = (text: string): readonly string[] | undefined => {
  const part = '(?:`(?:[^`]|``)+`|[^`.]+)';
  if (!new RegExp(`^${part}(?:\\.${part})?$`, 's').test(text)) return undefined;
  return (text.match(new RegExp(part, 'gs')) ?? []).map((each) =>
    each.startsWith('`') ? each.slice(1, -1).replaceAll('``', '`') : each,
  );
};
