// Values as SQL literals that fit in one line and that every SQLite since 3.8 reads back exactly.
import { isUtf8 } from 'node:buffer';
import { HoldfastError } from '#lib/errors.ts';
import type { SqlValue } from '../table-reader.ts';
import { quoteText } from './identifiers.ts';

/** A text without NUL. Line breaks are written as a mark that the text does not hold, and put back by replace(). */
const textLiteral = (text: string): string => {
  if (!text.includes('\n')) return quoteText(text);
  const mark = freshMark(text);
  return `replace(${quoteText(text.replaceAll('\n', mark))},'${mark}',char(10))`;
};

/** An INSERT whose texts may hold line breaks, as one line. Everything before `from` is left as it is. */
export const inOneLine = (insert: string, from: number): string => {
  let line = insert.slice(0, from);
  for (let at = from; at < insert.length; ) {
    const open = insert.indexOf("'", at);
    if (open < 0) return line + insert.slice(at);
    const end = endOfText(insert, open);
    const literal = insert.slice(open, end);
    line += insert.slice(at, open);
    line += literal.includes('\n') ? textLiteral(literal.slice(1, -1).replaceAll("''", "'")) : literal;
    at = end;
  }
  return line;
};

/** The pieces of a text's literal, given the bytes that the database holds in its encoding. */
export function* textPieces(bytes: Uint8Array, encoding: string): Generator<string> {
  const text = bytes.length > longestText ? undefined : decode(bytes, encoding);
  if (text !== undefined && !text.includes('\0')) return yield textLiteral(text);
  // A cast keeps every byte: NUL, what is not valid in the encoding, and texts too large for a string.
  yield 'CAST(';
  yield* blobPieces(bytes);
  yield ' AS TEXT)';
}

/** The pieces of a blob's literal. */
export function* blobPieces(bytes: Uint8Array): Generator<string> {
  yield "X'";
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const length = Math.min(pieceBytes, bytes.length - at);
    yield Buffer.from(bytes.buffer, bytes.byteOffset + at, length)
      .toString('hex')
      .toUpperCase();
  }
  yield "'";
}

/** What a literal of a row stands for. An integer is a bigint, so that it is not taken for a real. */
export const valueOfLiteral = (literal: string, encoding: string): SqlValue => {
  switch (literal[0]) {
    case "'":
      return unquoted(literal);
    case 'N':
      return null;
    case 'X':
      return Buffer.from(literal.slice(2, -1), 'hex');
    case 'C':
      return textOfCast(literal, encoding);
    case 'r':
      return textOfReplace(literal);
    default:
      return /^-?\d+$/.test(literal) ? BigInt(literal) : numberOf(literal);
  }
};

const textOfCast = (literal: string, encoding: string): string => {
  const [, hex] = /^CAST\(X'([0-9A-F]*)' AS TEXT\)$/.exec(literal) ?? [];
  if (hex === undefined) throw notOurs();
  const bytes = Buffer.from(hex, 'hex');
  return decode(bytes, encoding) ?? bytes.toString(encoding === 'UTF-8' ? 'utf8' : 'utf16le');
};

const textOfReplace = (literal: string): string => {
  const [, text, mark] = /^replace\(('[\s\S]*'),'(\\n\d*)',char\(10\)\)$/.exec(literal) ?? [];
  if (text === undefined || mark === undefined) throw notOurs();
  return unquoted(text).replaceAll(mark, '\n');
};

const numberOf = (literal: string): number => {
  const value = Number(literal);
  if (Number.isNaN(value)) throw notOurs();
  return value;
};

const notOurs = (): HoldfastError => new HoldfastError('REPOSITORY_DAMAGED', 'a value is no literal of ours');

const unquoted = (literal: string): string => literal.slice(1, -1).replaceAll("''", "'");

const longestText = 32 * 1024 * 1024;
const pieceBytes = 128 * 1024;

/** The text, or undefined when a literal would not give these bytes again. */
export const decode = (bytes: Uint8Array, encoding: string): string | undefined => {
  if (encoding === 'UTF-8') return isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : undefined;
  if (bytes.length % 2 !== 0) return undefined;
  const copy = Buffer.from(bytes);
  const text = (encoding === 'UTF-16be' ? copy.swap16() : copy).toString('utf16le');
  // SQLite turns these two into U+FFFD on the way from UTF-8 to UTF-16.
  return text.isWellFormed() && !/[\ufffe\uffff]/.test(text) ? text : undefined;
};

/** The mark's only backslash is its first character, so it never begins inside of another one. */
const freshMark = (text: string): string => {
  let mark = '\\n';
  for (let number = 0; text.includes(mark); number += 1) mark = `\\n${number}`;
  return mark;
};

/** The index after the quote that ends the text beginning at `open`. */
const endOfText = (sql: string, open: number): number => {
  for (let at = open + 1; ; at += 2) {
    at = sql.indexOf("'", at);
    if (at < 0) return sql.length;
    if (sql[at + 1] !== "'") return at + 1;
  }
};
