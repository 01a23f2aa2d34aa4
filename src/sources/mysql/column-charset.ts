// The character set of a column, which is that of its bytes in a snapshot.
import { isUtf8 } from 'node:buffer';
import { textDecoder } from '../text-decoding.ts';

/** What reads the text of a column; undefined for bytes that are none. */
export type ReadText = (bytes: Buffer) => string | undefined;

/** That of a column, given its part of CREATE TABLE and the options behind the bracket. What is not known here is taken for UTF-8. */
export const textReader = (part: string, options: string): ReadText => {
  const label = labelOf(part, options);
  return label === undefined ? utf8 : textDecoder(label);
};

/** True when a letter of ASCII is more than the one byte that it is elsewhere. */
export const isWide = (part: string, options: string): boolean =>
  labelOf(part, options)?.startsWith('utf-16') ?? false;

const labelOf = (part: string, options: string): string | undefined => {
  const [, type = '', own] = column.exec(part) ?? [];
  const charset = own ?? /\bDEFAULT CHARSET=(\w+)/.exec(options)?.[1] ?? '';
  return /char$|text$|^enum$|^set$/.test(type) ? labels.get(charset) : undefined;
};

/** Bytes with a NUL are rather no text. */
export const utf8: ReadText = (bytes) =>
  isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : undefined;

const column = /^`(?:[^`]|``)*` (\w+)(?:\((?:[^()']|'(?:[^'\\]|''|\\.)*')*\))?(?: CHARACTER SET (\w+))?/s;

/** https://mariadb.com/docs/server/reference/data-types/string-data-types/character-sets/supported-character-sets-and-collations */
const labels: ReadonlyMap<string, string> = new Map([
  ['latin1', 'windows-1252'],
  ['latin2', 'iso-8859-2'],
  ['latin5', 'windows-1254'],
  ['latin7', 'iso-8859-13'],
  ['cp1250', 'windows-1250'],
  ['cp1251', 'windows-1251'],
  ['cp1256', 'windows-1256'],
  ['cp1257', 'windows-1257'],
  ['cp866', 'ibm866'],
  ['greek', 'iso-8859-7'],
  ['hebrew', 'iso-8859-8'],
  ['tis620', 'windows-874'],
  ['koi8r', 'koi8-r'],
  ['koi8u', 'koi8-u'],
  ['macroman', 'macintosh'],
  ['ucs2', 'utf-16be'],
  ['utf16', 'utf-16be'],
  ['utf16le', 'utf-16le'],
  ['big5', 'big5'],
  ['gb2312', 'gbk'],
  ['gbk', 'gbk'],
  ['gb18030', 'gb18030'],
  ['euckr', 'euc-kr'],
  ['ujis', 'euc-jp'],
  ['eucjpms', 'euc-jp'],
  ['sjis', 'shift_jis'],
  ['cp932', 'shift_jis'],
]);
