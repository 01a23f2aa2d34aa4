// Names as SQL text.

/** A name of a table, column or index, fit for any statement. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A text as an SQL literal. It may hold newlines, but no NUL. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The form under which two names are the same to SQLite: it ignores the case of ASCII letters, and of no others. */
export const foldName = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Whether both are names of the same thing. */
export const sameName = (a: string, b: string): boolean => foldName(a) === foldName(b);

/** The identifier at the beginning of an SQL text, its value and its length there; undefined when there is none. */
export const leadingName = (sql: string): { readonly name: string; readonly length: number } | undefined => {
  const [token, double, backquoted, single, bracketed, bare] = identifier.exec(sql) ?? [];
  if (token === undefined) return undefined;
  const name =
    double?.replaceAll('""', '"') ??
    backquoted?.replaceAll('``', '`') ??
    single?.replaceAll("''", "'") ??
    bracketed ??
    bare;
  return { name: name ?? '', length: token.length };
};

/** The ways to write a name: https://www.sqlite.org/lang_keywords.html, and bare words. */
const identifier =
  /^(?:"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|'((?:[^']|'')*)'|\[([^\]]*)\]|([\w$\u0080-\uffff]+))/;
