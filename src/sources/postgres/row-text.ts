// The text of rows, which are in the encoding of their database.
import { textDecoder } from '../text-decoding.ts';

/** What reads rows of a database with this encoding, as the server calls it. Bytes that are no such text become U+FFFD. */
export const rowText = (encoding: string): ((row: Buffer) => string) => {
  const label = labels.get(encoding) ?? sameLabel(encoding);
  const asUtf8 = (row: Buffer): string => row.toString('utf8');
  if (label === undefined) return asUtf8;
  const decode = textDecoder(label);
  return (row) => decode(row) ?? asUtf8(row);
};

/** https://www.postgresql.org/docs/current/multibyte.html; UTF8 is read as it is, SQL_ASCII as if it were that. */
const labels: ReadonlyMap<string, string> = new Map([
  ['LATIN1', 'iso-8859-1'],
  ['LATIN2', 'iso-8859-2'],
  ['LATIN3', 'iso-8859-3'],
  ['LATIN4', 'iso-8859-4'],
  ['LATIN5', 'iso-8859-9'],
  ['LATIN6', 'iso-8859-10'],
  ['LATIN7', 'iso-8859-13'],
  ['LATIN8', 'iso-8859-14'],
  ['LATIN9', 'iso-8859-15'],
  ['LATIN10', 'iso-8859-16'],
  ['WIN866', 'ibm866'],
  ['WIN874', 'windows-874'],
  ['KOI8R', 'koi8-r'],
  ['KOI8U', 'koi8-u'],
  ['EUC_JP', 'euc-jp'],
  ['EUC_JIS_2004', 'euc-jp'],
  ['EUC_KR', 'euc-kr'],
  ['EUC_CN', 'gbk'],
]);

/** WIN1252 is windows-1252, ISO_8859_5 iso-8859-5. */
const sameLabel = (encoding: string): string | undefined => {
  const [, prefix, number] = /^(WIN|ISO_8859_)(\d+)$/.exec(encoding) ?? [];
  return prefix && `${prefix === 'WIN' ? 'windows-' : 'iso-8859-'}${number}`;
};
