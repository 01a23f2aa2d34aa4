// Lines out of chunks that are cut anywhere.
import { bufferOf } from './buffer-of.ts';
import { HoldfastError } from './errors.ts';

/**
 * The lines of each chunk without their newlines; each is valid until the next are asked for. ITEM_UNREADABLE when the last one
 * does not end in a newline.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer[]> {
  let pieces: Buffer[] = [];
  for await (const chunk of chunks) {
    const bytes = bufferOf(chunk);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
      const last = bytes.subarray(start, end);
      lines.push(pieces.length === 0 ? last : Buffer.concat([...pieces, last]));
      pieces = [];
      start = end + 1;
    }
    if (start < bytes.length) pieces.push(Buffer.from(bytes.subarray(start))); // the chunk may be used again
    if (lines.length > 0) yield lines;
  }
  if (pieces.length > 0)
    throw new HoldfastError('ITEM_UNREADABLE', 'the rows end in the middle of one', {
      hint: 'verify the snapshot, and take another one',
    });
}

const newline = '\n'.charCodeAt(0);
