// Blobs that are wanted, grouped into the ranges of packs that are read for them.
import type { PackEntry } from './blob.ts';

/** Ranges are read whole across gaps up to this, … */
const gapBytes = 256 * 1024;
/** … and are not made longer than this. */
const rangeBytes = 4 * 1024 * 1024;

export interface Range {
  readonly pack: string;
  offset: number;
  length: number;
  readonly blobs: PackEntry[];
}

/** Sorts the blobs by pack and offset (in place) and joins those that lie near each other. */
export const toRanges = (blobs: (PackEntry & { readonly pack: string })[]): Range[] => {
  blobs.sort((a, b) => (a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1));
  const ranges: Range[] = [];
  let last: Range | undefined;
  for (const { pack, id, type, offset, length, plainLength } of blobs) {
    const blob = { id, type, offset, length, plainLength };
    const end = offset + length;
    if (
      last &&
      last.pack === pack &&
      offset - (last.offset + last.length) <= gapBytes &&
      end - last.offset <= rangeBytes
    ) {
      last.blobs.push(blob);
      last.length = end - last.offset;
    } else {
      last = { pack, offset, length, blobs: [blob] };
      ranges.push(last);
    }
  }
  return ranges;
};
