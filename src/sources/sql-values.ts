// The values of a line with an INSERT statement, as the literals and expressions that they are.

/** From the place behind `VALUES (` up to the bracket that closes it. */
export const sqlValues = (line: string, from: number): string[] => {
  const values: string[] = [];
  let start = from;
  let depth = 0;
  token.lastIndex = from;
  for (let match = token.exec(line); match; match = token.exec(line)) {
    const [text] = match;
    if (text === '(') depth += 1;
    else if (text === ')' && depth > 0) depth -= 1;
    else if (depth === 0 && (text === ',' || text === ')')) {
      values.push(line.slice(start, match.index));
      if (text === ')') return values;
      start = token.lastIndex;
    }
  }
  return values;
};

const token = /'[^']*'|"[^"]*"|[(),]/g;
