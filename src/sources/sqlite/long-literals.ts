// Values too long for a statement's text, taken out of it and bound as parameters.

export interface BoundTuple {
  /** The tuple with a ? for each long literal. */
  readonly sql: string;
  readonly values: readonly (string | Uint8Array)[];
}

const longLiteral = 64 * 1024;
const quote = 0x27;

/** Takes the long texts and blobs out of `(1,'…',X'…')`. What surrounds them (CAST, replace) stays. */
export const bindLongLiterals = (tuple: Buffer): BoundTuple => {
  const values: (string | Uint8Array)[] = [];
  let sql = '';
  for (let at = 0; at < tuple.length; ) {
    const open = tuple.indexOf(quote, at);
    if (open < 0) return { sql: sql + tuple.toString('utf8', at), values };
    const close = closingQuote(tuple, open);
    if (close - open <= longLiteral) sql += tuple.toString('utf8', at, close + 1);
    else if (tuple[open - 1] === 'X'.charCodeAt(0)) {
      sql += `${tuple.toString('utf8', at, open - 1)}?`;
      values.push(bytesOf(tuple.subarray(open + 1, close)));
    } else {
      sql += `${tuple.toString('utf8', at, open)}?`;
      values.push(tuple.toString('utf8', open + 1, close).replaceAll("''", "'"));
    }
    at = close + 1;
  }
  return { sql, values };
};

/** The index of the quote that ends the literal beginning at `open`; the end of the tuple when there is none. */
const closingQuote = (tuple: Buffer, open: number): number => {
  for (let at = open + 1; ; at += 2) {
    at = tuple.indexOf(quote, at);
    if (at < 0) return tuple.length;
    if (tuple[at + 1] !== quote) return at;
  }
};

/** The bytes that hexadecimal digits stand for, without a string of them all. */
const bytesOf = (digits: Buffer): Buffer => {
  const bytes = Buffer.allocUnsafe(digits.length >> 1);
  const pieceDigits = 256 * 1024;
  for (let at = 0; at < digits.length; at += pieceDigits)
    bytes.write(digits.toString('latin1', at, at + pieceDigits), at >> 1, 'hex');
  return bytes;
};
