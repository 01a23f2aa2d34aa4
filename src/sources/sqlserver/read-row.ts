// A line of a backup as the values that are in it.
import { type LiteralValue, readLiteral } from './literal.ts';

/** Undefined for a line that is not what a dump of this table writes: no expression but our own literals is understood. */
export const readRow = (line: string, prefix: string, columns: number): LiteralValue[] | undefined => {
  if (!line.startsWith(prefix)) return undefined;
  const values: LiteralValue[] = [];
  let at = prefix.length;
  for (let column = 0; column < columns; column += 1) {
    const read = readLiteral(line, at);
    if (!read) return undefined;
    values.push(read.value);
    at = read.end;
    if (line[at] !== (column === columns - 1 ? ')' : ',')) return undefined;
    at += 1;
  }
  return line.slice(at) === ';' ? values : undefined;
};
