// File names and link targets as Go's strconv.Quote writes them, which is how restic keeps them in its trees.
// Bytes that are not UTF-8 are lone surrogates here (lib/file-name.ts) and \xNN there.

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
/** What Go's unicode.IsPrint calls printable: letters, marks, numbers, punctuation, symbols and the space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const short: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** strconv.Quote without the quotes around it. */
export const goQuote = (name: string): string => {
  if (plain.test(name)) return name;
  let quoted = '';
  for (const char of name) quoted += quoteChar(char);
  return quoted;
};

const quoteChar = (char: string): string => {
  const code = char.codePointAt(0) as number;
  if (short[char]) return short[char];
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`;
  if (printable.test(char)) return char;
  return code < 0x1_0000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
};

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

const escapes = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\"']))/g;
const single: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** The inverse of goQuote, for what restic wrote as well. \x escapes are bytes: together they may make up UTF-8. */
export const goUnquote = (quoted: string): string => {
  if (!quoted.includes('\\')) return quoted;
  return quoted.replace(escapes, (_, byte, four, eight, octal, char) => {
    if (byte !== undefined) return byteChar(Number.parseInt(byte, 16));
    if (octal !== undefined) return byteChar(Number.parseInt(octal, 8));
    if (four !== undefined) return String.fromCodePoint(Number.parseInt(four, 16));
    if (eight !== undefined) return String.fromCodePoint(Number.parseInt(eight, 16));
    return single[char] ?? char;
  });
};

const byteChar = (byte: number): string => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
