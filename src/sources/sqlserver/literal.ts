// Values as T-SQL literals, each in one line, and the same literals read again. Between the two nothing is lost.
import { bufferOf } from '#lib/buffer-of.ts';

/** An N'…' literal, or an expression of one where a line break or a stray half of a character must be told in other words. */
export const textLiteral = (text: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what cannot stand in a line
  if (!/[\0-\x08\n-\x1f\x7f\x85\u2028\u2029\ufeff]/.test(text) && text.isWellFormed()) return plainText(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: likewise
  if (/[\0-\x08\v\f\x0e-\x1f\x7f\x85\u2028\u2029\ufeff]/.test(text) || !text.isWellFormed())
    return bytesAsText(text);
  let told = text;
  const marks: (readonly [mark: string, code: number])[] = [];
  for (const [char, letter] of lineBreaks) {
    if (!text.includes(char)) continue;
    const mark = unusedMark(text, letter);
    told = told.replaceAll(char, mark);
    marks.push([mark, char.charCodeAt(0)]);
  }
  // A binary collation, because others may pass over characters or take one for another.
  const plain = `${plainText(told)} COLLATE Latin1_General_BIN2`;
  return marks.reduce((sql, [mark, code]) => `REPLACE(${sql},${plainText(mark)},NCHAR(${code}))`, plain);
};

const lineBreaks = [
  ['\r', 'r'],
  ['\n', 'n'],
] as const;

const plainText = (text: string): string => `N'${text.replaceAll("'", "''")}'`;

/** '\n', or '\n1', '\n2' … when that is part of the text. */
const unusedMark = (text: string, letter: string): string => {
  for (let number = 0; ; number += 1) {
    const mark = `\\${letter}${number === 0 ? '' : number}`;
    if (!text.includes(mark)) return mark;
  }
};

const bytesAsText = (text: string): string =>
  `CAST(${bytesLiteral(Buffer.from(text, 'utf16le'))} AS nvarchar(max))`;

export const bytesLiteral = (bytes: Uint8Array): string =>
  `0x${bufferOf(bytes).toString('hex').toUpperCase()}`;

/** All digits of a double: 17, which the server calls lossless. */
export const doubleLiteral = (value: number): string => exponential(value, 16);

/** All digits of a single: 9. */
export const singleLiteral = (value: number): string => exponential(value, 8);

const exponential = (value: number, digits: number): string => {
  if (Object.is(value, -0)) return '-0e0';
  const short = `${value}`;
  return /^-?\d{1,9}$/.test(short) ? `${short}e0` : value.toExponential(digits).replace(/\.?0*e\+?/, 'e');
};

/** What a literal stands for: a number stays the text that it is. */
export type LiteralValue = string | Buffer | null;

export interface ReadLiteral {
  readonly value: LiteralValue;
  /** Where in the line it ends. */
  readonly end: number;
}

/** Reads the literal that begins at a place of a line; undefined when it is none of those that are written here. */
export const readLiteral = (line: string, at: number): ReadLiteral | undefined => {
  switch (line[at]) {
    case 'N':
      return line.startsWith('NULL', at) ? { value: null, end: at + 4 } : readPlainText(line, at);
    case '0':
      return line[at + 1] === 'x' ? readBytes(line, at) : readNumber(line, at);
    case 'R':
      return readReplaced(line, at);
    case 'C':
      return readBytesAsText(line, at);
    default:
      return readNumber(line, at);
  }
};

const readNumber = (line: string, at: number): ReadLiteral | undefined => {
  number.lastIndex = at;
  const found = number.exec(line)?.[0];
  return found === undefined ? undefined : { value: found, end: at + found.length };
};

const number = /-?\d+(?:\.\d+)?(?:e-?\d+)?/y;

const readPlainText = (line: string, at: number): (ReadLiteral & { readonly value: string }) | undefined => {
  if (!line.startsWith("N'", at)) return undefined;
  let doubled = false;
  for (let quote = line.indexOf("'", at + 2); quote >= 0; quote = line.indexOf("'", quote + 2)) {
    if (line[quote + 1] !== "'") {
      const inner = line.slice(at + 2, quote);
      return { value: doubled ? inner.replaceAll("''", "'") : inner, end: quote + 1 };
    }
    doubled = true;
  }
  return undefined;
};

const readBytes = (line: string, at: number): (ReadLiteral & { readonly value: Buffer }) | undefined => {
  hexadecimal.lastIndex = at + 2;
  const digits = hexadecimal.exec(line)?.[0] ?? '';
  if (digits.length % 2 !== 0) return undefined;
  return { value: Buffer.from(digits, 'hex'), end: at + 2 + digits.length };
};

const hexadecimal = /[0-9A-F]*/y;
const replaceCall = 'REPLACE(';
const collated = ' COLLATE Latin1_General_BIN2';

const readReplaced = (line: string, at: number): ReadLiteral | undefined => {
  let depth = 0;
  while (line.startsWith(replaceCall, at + depth * replaceCall.length)) depth += 1;
  const inner = readPlainText(line, at + depth * replaceCall.length);
  if (!inner || !line.startsWith(collated, inner.end)) return undefined;
  let { value } = inner;
  let end = inner.end + collated.length;
  for (; depth > 0; depth -= 1) {
    const mark = line[end] === ',' ? readPlainText(line, end + 1) : undefined;
    const code = mark && /^,NCHAR\((1[03])\)\)/.exec(line.slice(mark.end, mark.end + 12))?.[1];
    if (!mark || code === undefined) return undefined;
    value = value.replaceAll(mark.value, String.fromCharCode(Number(code)));
    end = mark.end + `,NCHAR(${code}))`.length;
  }
  return { value, end };
};

const readBytesAsText = (line: string, at: number): ReadLiteral | undefined => {
  const bytes = line.startsWith('CAST(0x', at) ? readBytes(line, at + 'CAST('.length) : undefined;
  const after = ' AS nvarchar(max))';
  if (!bytes || !line.startsWith(after, bytes.end)) return undefined;
  return { value: bytes.value.toString('utf16le'), end: bytes.end + after.length };
};
