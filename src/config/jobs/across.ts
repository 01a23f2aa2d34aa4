// Which sources a query across a restore point names: what stands in front of its tables.

/**
 * What is in front of the dot of each name behind FROM and JOIN, where SQLite takes nothing but tables, without its quotes. Names
 * without a dot may be those of WITH, and are left to whoever asks the query.
 */
export const sourcesNamedIn = (sql: string): string[] => {
  const words = [...sql.matchAll(token)].filter(([text]) => !/^(?:--|\/\*)/.test(text));
  return words.flatMap(([text], at): string[] => {
    const isFrom = /^from$/i.test(text) && !/^distinct$/i.test(words[at - 1]?.[0] ?? ''); // a IS DISTINCT FROM b.c
    if (!isFrom && !/^join$/i.test(text)) return [];
    const behind = words.slice(at + 1);
    const first = behind.findIndex(([word]) => word !== '(');
    return behind[first + 1]?.[0] === '.' ? [nameIn(behind[first]?.[0] ?? '')] : [];
  });
};

/** A comment, a text, a name in the quotes that SQLite knows, a word, or a sign. */
const token =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\p{L}_][\p{L}\p{N}_$]*|\S/gu;

const nameIn = (word: string): string => {
  const [quote = ''] = word;
  if (quote === '[') return word.slice(1, -1);
  return ['"', '`', "'"].includes(quote) ? word.slice(1, -1).replaceAll(quote + quote, quote) : word;
};
