// The room that a receiver leaves on a file system: it stops before the disk is full, and nothing of what is there is lost.
import { HoldfastError } from '#lib/errors.ts';
import { formatBytes } from '#lib/format.ts';
import { freeSpace } from '#lib/free-space.ts';
import type { Content, Entry } from '#sources/source.ts';

export interface FreeFloor {
  /** On the file system that is meant. */
  readonly folder: string;
  readonly freeBytes: number;
}

/** So many bytes are taken in between two looks. */
const lookEveryBytes = 16 * 1024 * 1024;

/** TARGET_FAILED when less would be left than is asked for. */
export const assertRoom = (floors: readonly FreeFloor[], neededBytes: number): void => {
  for (const { folder, freeBytes } of floors) {
    const free = freeSpace(folder).freeBytes;
    if (free - neededBytes >= freeBytes) continue;
    const needed = neededBytes > 0 ? `, and ${formatBytes(neededBytes)} are to come` : '';
    throw new HoldfastError(
      'TARGET_FAILED',
      `${formatBytes(free)} are free at ${folder}${needed}: at least ${formatBytes(freeBytes)} must stay free`,
      { hint: 'make room there, or lower `minFree`; what readers see was left as it was' },
    );
  }
};

/** The entries, for as long as there is room. */
export async function* whileRoom(
  entries: AsyncIterable<Entry>,
  floors: readonly FreeFloor[],
): AsyncGenerator<Entry> {
  let since = 0;
  async function* watched(content: Content): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      since += chunk.length;
      if (since >= lookEveryBytes) {
        assertRoom(floors, 0);
        since = 0;
      }
      yield chunk;
    }
  }
  for await (const entry of entries) {
    const { content } = entry;
    yield content === undefined ? entry : { ...entry, content: () => watched(content.call(entry)) };
  }
}
