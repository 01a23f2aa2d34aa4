// The values of a line with an INSERT statement, and what else stands between the commas of a list in SQL.

/** What lies between commas and outside of further brackets, up to the bracket that closes the list; `end` is behind that, if there is one. */
export const listItems = (
  sql: string,
  from: number,
  token: RegExp,
): { readonly items: string[]; readonly end: number | undefined } => {
  const items: string[] = [];
  let start = from;
  let depth = 1;
  token.lastIndex = from;
  for (let match = token.exec(sql); match; match = token.exec(sql)) {
    const [text] = match;
    if (text === '(') depth += 1;
    else if (text === ')') depth -= 1;
    if ((text === ',' && depth === 1) || depth === 0) {
      items.push(sql.slice(start, match.index));
      start = token.lastIndex;
    }
    if (depth === 0) return { items, end: start };
  }
  return { items, end: undefined };
};

/** From the place behind `VALUES (` up to the bracket that closes it: literals and expressions. */
export const sqlValues = (line: string, from: number): string[] => listItems(line, from, token).items;

const token = /'[^']*'|"[^"]*"|[(),]/g;
