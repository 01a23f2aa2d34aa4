// The JSON of a directory on its way into a pack. The ids of a large table stay packed until they are sealed: as text they take
// twice as much, and a directory of large tables is little else.
import { createHash } from 'node:crypto';
import { idBytes } from '../packs/blob.ts';
import { jsonLength, writeIds } from '../packs/blob-ids.ts';
import { spareBytes } from '../sealing/compression.ts';

export interface TreePart {
  /** `ids`: packed, in the place of strings with commas between. */
  readonly kind: 'json' | 'ids';
  readonly bytes: Uint8Array;
}

/** Trees up to this size are one piece. */
export const largeTreeBytes = 1024 * 1024;
const largestStep = { json: 1024 * 1024, ids: 8192 * idBytes } as const;

/** How long the JSON is, in bytes. */
export const lengthOf = (parts: readonly TreePart[]): number =>
  parts.reduce((sum, { kind, bytes }) => sum + (kind === 'json' ? bytes.length : jsonLength(bytes)), 0);

/** The JSON, up to a MiB at a time; each piece is valid until the next. */
export function* piecesOf(parts: readonly TreePart[]): Generator<Uint8Array> {
  let room: Buffer | undefined;
  for (const { kind, bytes } of parts)
    for (let at = 0; at < bytes.length; at += largestStep[kind]) {
      const step = bytes.subarray(at, at + largestStep[kind]);
      if (kind === 'json') yield step;
      else {
        room ??= Buffer.allocUnsafe(3 * largestStep.ids);
        yield room.subarray(0, writeIds(step, room, at === 0 ? 0 : room.write(',')));
      }
    }
}

/** The JSON in memory of its own. */
export const joined = (parts: readonly TreePart[]): Buffer => {
  const tree = Buffer.allocUnsafeSlow(lengthOf(parts));
  let at = 0;
  for (const piece of piecesOf(parts)) {
    tree.set(piece, at);
    at += piece.length;
  }
  return tree;
};

/** The id of the tree blob. */
export const treeId = (parts: readonly TreePart[]): string => {
  const content = createHash('sha256');
  for (const piece of piecesOf(parts)) content.update(piece);
  return content.digest('hex');
};

/** The bytes in memory of their own: in that which they had when nothing else lies there. */
export const alone = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const { length, buffer, byteOffset } = bytes;
  const isAlone =
    buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength - length <= spareBytes;
  return isAlone ? new Uint8Array(buffer.transfer(length)) : new Uint8Array(bytes);
};
