// A stream of bytes as lines.

const newline = 0x0a;

/** Each line with its newline, as a copy; the last one may lack it. */
export async function* splitLines(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  let begun: Uint8Array[] = [];
  for await (const chunk of content) {
    let start = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, start)) {
      yield Buffer.concat([...begun, chunk.subarray(start, at + 1)]);
      begun = [];
      start = at + 1;
    }
    if (start < chunk.length) begun.push(Buffer.from(chunk.subarray(start)));
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}
