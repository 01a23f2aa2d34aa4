// Finds where the values of a JSON text begin and end, without decoding them: what is cut out is what the server sent, to the last
// digit of a number and the order of the keys, which JSON.parse would not keep.

/** Where a value stands: from `start` up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The text ends too early, or is no JSON. */
export class BrokenJson extends Error {
  override readonly name = 'BrokenJson';
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * Walks the object at `at`, and returns where it ends: `read` is given each key, a range with its quotes, and where its value
 * begins, and returns where that ends. What `read` walks itself is looked at only once.
 */
export const walkMembers = (
  bytes: Uint8Array,
  at: number,
  read: (key: Range, start: number) => number,
): number => {
  let next = expect(bytes, skipSpace(bytes, at), openBrace);
  next = skipSpace(bytes, next);
  if (bytes[next] === closeBrace) return next + 1;
  for (;;) {
    const key = { start: next, end: skipString(bytes, next) };
    const start = skipSpace(bytes, expect(bytes, skipSpace(bytes, key.end), colon));
    next = skipSpace(bytes, read(key, start));
    if (bytes[next] === closeBrace) return next + 1;
    next = skipSpace(bytes, expect(bytes, next, comma));
  }
};

/** The same for the elements of an array. */
export const walkElements = (bytes: Uint8Array, at: number, read: (start: number) => number): number => {
  let next = skipSpace(bytes, expect(bytes, skipSpace(bytes, at), openBracket));
  if (bytes[next] === closeBracket) return next + 1;
  for (;;) {
    next = skipSpace(bytes, read(next));
    if (bytes[next] === closeBracket) return next + 1;
    next = skipSpace(bytes, expect(bytes, next, comma));
  }
};

/** Calls `visit` with each member of the object at `at`; returns where the object ends. */
export const eachMember = (
  bytes: Uint8Array,
  at: number,
  visit: (key: Range, value: Range) => void,
): number =>
  walkMembers(bytes, at, (key, start) => {
    const end = skipValue(bytes, start);
    visit(key, { start, end });
    return end;
  });

/** The same for the elements of an array. */
export const eachElement = (bytes: Uint8Array, at: number, visit: (value: Range) => void): number =>
  walkElements(bytes, at, (start) => {
    const end = skipValue(bytes, start);
    visit({ start, end });
    return end;
  });

/** True for a key that is this word, of plain letters; servers write such keys without escapes. */
export const isKey = (bytes: Uint8Array, { start, end }: Range, word: string): boolean => {
  if (end - start !== word.length + 2) return false;
  for (let at = 0; at < word.length; at += 1) if (bytes[start + 1 + at] !== word.charCodeAt(at)) return false;
  return true;
};

/** The value of a member, or undefined when the object at `at` has none of that name. */
export const memberOf = (bytes: Uint8Array, at: number, name: string): Range | undefined => {
  const wanted = Buffer.from(JSON.stringify(name));
  let found: Range | undefined;
  eachMember(bytes, at, (key, value) => {
    if (wanted.equals(bytes.subarray(key.start, key.end))) found = value;
  });
  return found;
};

/** The value that stands there, decoded. */
export const valueAt = (bytes: Buffer, { start, end }: Range): unknown => {
  if (bytes[start] === quote) {
    const text = bytes.toString('utf8', start + 1, end - 1);
    if (!text.includes('\\')) return text;
  }
  return JSON.parse(bytes.toString('utf8', start, end));
};

/** Where the value that begins there ends. */
export const skipValue = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at];
  if (first === quote) return skipString(bytes, at);
  if (first === openBrace || first === openBracket) return skipNested(bytes, at);
  let next = at;
  while (next < bytes.length && !endsPlain(bytes[next] as number)) next += 1;
  if (next === at) throw new BrokenJson('a value is missing');
  return next;
};

const skipNested = (bytes: Uint8Array, at: number): number => {
  let depth = 0;
  for (let next = at; next < bytes.length; ) {
    const byte = bytes[next] as number;
    if (byte === quote) {
      next = skipString(bytes, next);
      continue;
    }
    next += 1;
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return next;
    }
  }
  throw new BrokenJson('the text ends within a value');
};

const skipString = (bytes: Uint8Array, at: number): number => {
  for (let next = expect(bytes, at, quote); next < bytes.length; next += 1) {
    if (bytes[next] === quote) return next + 1;
    if (bytes[next] === backslash) next += 1;
  }
  throw new BrokenJson('the text ends within a string');
};

const skipSpace = (bytes: Uint8Array, at: number): number => {
  let next = at;
  while (isSpace(bytes[next])) next += 1;
  return next;
};

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const endsPlain = (byte: number): boolean =>
  byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte);

const expect = (bytes: Uint8Array, at: number, byte: number): number => {
  if (bytes[at] === byte) return at + 1;
  throw new BrokenJson(
    at < bytes.length ? `"${String.fromCharCode(byte)}" is missing at ${at}` : 'the text ends too early',
  );
};
