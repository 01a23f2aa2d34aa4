// A row too long for a statement's text, read piece by piece: its long values are bound as parameters instead.

export interface BoundTuple {
  /** The tuple with a ? for each long literal. */
  readonly sql: string;
  readonly values: readonly (string | Uint8Array)[];
}

export interface LongRow {
  /** Takes the next bytes of `(1,'…',X'…');`. Blobs are kept as bytes at once, in half the space of their digits. */
  push(bytes: Buffer): void;
  finish(): BoundTuple;
}

const longLiteral = 64 * 1024;
const quote = 0x27;

export const readLongRow = (): LongRow => {
  const values: (string | Uint8Array)[] = [];
  let sql = '';
  let literal: Literal | undefined;
  /** A quote was the last byte: the next one tells whether it ended the literal. */
  let quoted = false;

  const endLiteral = (): void => {
    const { value, isBlob, text } = (literal as Literal).end();
    literal = undefined;
    quoted = false;
    if (value === undefined) sql += `'${text}'`;
    else {
      values.push(value);
      sql = `${isBlob ? sql.slice(0, -1) : sql}?`;
    }
  };
  /** Takes bytes up to the next quote; returns the index after it. */
  const take = (bytes: Buffer, from: number): number => {
    const at = bytes.indexOf(quote, from);
    const end = at < 0 ? bytes.length : at;
    if (literal) literal.push(bytes.subarray(from, end));
    else sql += bytes.toString('latin1', from, end);
    if (at < 0) return end;
    if (literal) quoted = true;
    else literal = startLiteral(sql.endsWith('X'));
    return at + 1;
  };
  return {
    push(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (quoted && bytes[at] === quote) {
          literal?.push(bytes.subarray(at, at + 1));
          quoted = false;
          at += 1;
        } else {
          if (quoted) endLiteral();
          at = take(bytes, at);
        }
      }
    },
    finish() {
      if (quoted) endLiteral();
      return { sql: sql.replace(/;\n$/, ''), values };
    },
  };
};

interface Literal {
  push(bytes: Buffer): void;
  /** The value when it is long, else what stands between the quotes. */
  end(): { readonly value?: string | Uint8Array; readonly text: string; readonly isBlob: boolean };
}

const startLiteral = (isBlob: boolean): Literal => {
  const pieces: Buffer[] = [];
  let size = 0;
  let digit = '';
  return {
    push(bytes) {
      size += bytes.length;
      if (!isBlob) return void pieces.push(Buffer.from(bytes));
      const digits = digit + bytes.toString('latin1');
      const even = digits.length - (digits.length % 2);
      digit = digits.slice(even);
      pieces.push(Buffer.from(digits.slice(0, even), 'hex'));
    },
    end() {
      const bytes = Buffer.concat(pieces);
      pieces.length = 0;
      if (isBlob)
        return size > longLiteral
          ? { value: bytes, text: '', isBlob }
          : { text: bytes.toString('hex') + digit, isBlob };
      const text = bytes.toString('utf8');
      return size > longLiteral
        ? { value: text, text: '', isBlob }
        : { text: text.replaceAll("'", "''"), isBlob };
    },
  };
};
