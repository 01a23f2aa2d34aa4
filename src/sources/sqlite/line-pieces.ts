// A stream of chunks as whole lines, many at a time, except for lines too long to be gathered.

export interface LinePiece {
  readonly bytes: Buffer;
  /** True for one or more whole lines; false for a part of a long one, the last of which ends with the newline. */
  readonly whole: boolean;
}

/** Longer lines are not gathered: they come in parts. */
const longLine = 1024 * 1024;
const enough = 64 * 1024;
const newline = 0x0a;

/** Cuts the content; the last piece ends with a newline, unless the content does not. */
export async function* linePieces(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<LinePiece> {
  const gathered = gatherer();
  let inLongLine = false;
  for await (const chunk of content) {
    let bytes = Buffer.from(chunk); // a copy: the producer may use the chunk again
    if (inLongLine) {
      const end = bytes.indexOf(newline) + 1 || bytes.length;
      yield { bytes: bytes.subarray(0, end), whole: false };
      inLongLine = bytes[end - 1] !== newline;
      bytes = bytes.subarray(end);
    }
    gathered.add(bytes);
    if (gathered.size() < enough) continue;
    const all = gathered.take();
    const end = all.lastIndexOf(newline) + 1;
    if (end > 0) yield { bytes: all.subarray(0, end), whole: true };
    inLongLine = all.length - end > longLine;
    if (inLongLine) yield { bytes: all.subarray(end), whole: false };
    else gathered.add(Buffer.from(all.subarray(end)));
  }
  const rest = gathered.take();
  if (rest.length > 0) yield { bytes: rest, whole: true };
}

const gatherer = () => {
  let pieces: Buffer[] = [];
  let size = 0;
  return {
    size: () => size,
    add(bytes: Buffer): void {
      if (bytes.length > 0) pieces.push(bytes);
      size += bytes.length;
    },
    take(): Buffer {
      const all = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      pieces = [];
      size = 0;
      return all;
    },
  };
};
