// From a file's bytes to its blobs: picks the chunker, cuts, and gathers the blobs' ids in order.
import { hkdfSync } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import type { Content } from '#sources/source.ts';
import type { Chunker } from '../chunker/chunker.ts';
import { gearChunker } from '../chunker/gear.ts';
import { rabinChunker } from '../chunker/rabin.ts';
import { type BlobIds, PackedIds } from '../packs/blob-ids.ts';
import { overheadBytes } from '../sealing/seal.ts';
import type { Session } from '../session.ts';
import type { TreeNode } from '../trees/tree.ts';
import type { BlobWriter } from './blob-writer.ts';

export type Cut = { readonly by: 'rabin' } | { readonly by: 'gear'; readonly averageBytes: number };

/** Files smaller than this are one blob whatever they hold: restic's chunker never cuts below it. */
const rabinMinimumBytes = 512 * 1024;
const smallestAverage = 8 * 1024;
const largestAverage = 256 * 1024;
/** A table is cut into about so many blobs at most, and after so many of a snapshot the next are twice as large: each takes memory. */
const blobsOfASize = 512 * 1024;

export interface BlobTotals {
  readonly ids: BlobIds;
  readonly bytes: number;
  readonly newBlobs: number;
  readonly newBytes: number;
  readonly storedBytes: number;
}

/** What a table is cut beside. */
export interface TableCutOptions {
  /** How many blobs the tables have that the snapshot holds so far. */
  readonly blobsBefore?: number;
  /** The same table in an earlier snapshot; `largestBytes` is the length of its largest blob, if that is known. */
  readonly previous?:
    | { readonly sizeBytes: number; readonly blobs: number; readonly largestBytes?: number }
    | undefined;
}

/**
 * The average size of a table's blobs: 8 KiB, and more for tables beyond 4 GiB or that come after others of that size. What an earlier
 * snapshot used is kept, because other cuts would store the whole table again.
 */
export const tableCut = (sizeBytes: number, { blobsBefore = 0, previous }: TableCutOptions = {}): Cut => {
  const snap = (bytes: number): number =>
    Math.min(largestAverage, Math.max(smallestAverage, 2 ** Math.round(Math.log2(Math.max(1, bytes)))));
  const own = snap(2 ** Math.ceil(Math.log2(Math.max(1, sizeBytes / blobsOfASize))));
  const wanted = Math.max(own, snap(smallestAverage * 2 ** Math.floor(blobsBefore / blobsOfASize)));
  if (!previous || previous.blobs < 16) return { by: 'gear', averageBytes: wanted };
  // Where nothing shows where to cut, as in rows that are all the same, blobs are as large as they may be, four times the average.
  const { sizeBytes: before, blobs, largestBytes = 0 } = previous;
  const used = snap(largestBytes / 4) * 4 === largestBytes ? largestBytes / 4 : snap(before / blobs);
  return { by: 'gear', averageBytes: wanted > 4 * used ? wanted : used };
};

/** Restic's chunker cuts none but the last blob of a file smaller than this; what has smaller ones are rows of tables. */
export const isCutAsFile = (blobs: number, sizeBytes: number): boolean =>
  sizeBytes > rabinMinimumBytes * (blobs - 1);

/** What is known of how a table was cut before; nothing of a file that was cut as others are. Of many blobs a few thousand tell. */
export const cutsOf = (
  { blobs }: Session,
  node: Pick<TreeNode, 'content' | 'meta'> | undefined,
): TableCutOptions['previous'] => {
  const { content, meta } = node ?? {};
  const sizeBytes = meta?.size ?? 0;
  if (!content || isCutAsFile(content.length, sizeBytes)) return undefined;
  const stride = Math.ceil(content.length / 4096);
  let [at, largestBytes] = [0, 0];
  for (const id of content) {
    const place = at % stride === 0 ? blobs.locate(id, 'data') : undefined;
    if (place) largestBytes = Math.max(largestBytes, place.plainLength || place.length - overheadBytes);
    at += 1;
  }
  return { sizeBytes, blobs: content.length, largestBytes };
};

export class ContentCutter {
  readonly #writer: BlobWriter;
  readonly #polynomial: bigint;
  readonly #gearSecret: Uint8Array;
  readonly #idle = new Map<string, Chunker[]>();

  constructor(session: Session, writer: BlobWriter) {
    this.#writer = writer;
    this.#polynomial = session.config.polynomial;
    // Known cuts would tell sizes of known contents; so the cuts depend on a secret of the repository.
    this.#gearSecret = new Uint8Array(
      hkdfSync('sha256', session.key.encrypt, '', 'holdfast table chunker', 32),
    );
  }

  /** Cuts all of it; `done` is called once every blob has its id, which may be after this has returned. */
  async cut(
    content: Content,
    how: Cut,
    options: {
      readonly expectedBytes: number | undefined;
      readonly signal: AbortSignal;
      onBytes(bytes: number): void;
    },
    done: (totals: BlobTotals) => void,
  ): Promise<void> {
    const blobs = new BlobCollector(this.#writer, done);
    let chunker: Chunker | undefined;
    try {
      let first = true;
      const take = async (bytes: Uint8Array): Promise<void> => {
        if (bytes.length === 0) return; // no blob is empty
        options.onBytes(bytes.length);
        if (
          first &&
          bytes.length === options.expectedBytes &&
          bytes.length <= rabinMinimumBytes &&
          how.by === 'rabin'
        )
          await blobs.add(bytes);
        else {
          chunker ??= this.#chunker(how);
          await feed(chunker, bytes, blobs);
        }
        first = false;
      };
      if (Symbol.iterator in content)
        for (const bytes of content) {
          throwIfCancelled(options.signal);
          await take(bytes);
        }
      else
        for await (const bytes of content) {
          throwIfCancelled(options.signal);
          await take(bytes);
        }
      chunker?.end();
      if (chunker) await drain(chunker, blobs);
    } finally {
      if (chunker) this.#giveBack(how, chunker);
    }
    blobs.end();
  }

  #chunker(how: Cut): Chunker {
    const idle = this.#idle.get(keyOf(how))?.pop();
    if (idle) return idle;
    return how.by === 'rabin'
      ? rabinChunker(this.#polynomial)
      : gearChunker(this.#gearSecret, how.averageBytes);
  }

  #giveBack(how: Cut, chunker: Chunker): void {
    chunker.reset();
    const idle = this.#idle.get(keyOf(how));
    if (idle) idle.push(chunker);
    else this.#idle.set(keyOf(how), [chunker]);
  }
}

const keyOf = (how: Cut): string => (how.by === 'rabin' ? 'rabin' : `gear ${how.averageBytes}`);

const feed = async (chunker: Chunker, bytes: Uint8Array, blobs: BlobCollector): Promise<void> => {
  for (let at = 0; at < bytes.length; ) {
    at += chunker.write(at === 0 ? bytes : bytes.subarray(at));
    const wait = drain(chunker, blobs);
    if (wait) await wait;
  }
};

/** Takes every chunk that is complete; a promise only when the workers are behind. */
const drain = (chunker: Chunker, blobs: BlobCollector): Promise<void> | undefined => {
  for (let chunk = chunker.next(); chunk; chunk = chunker.next()) {
    const wait = blobs.add(chunk);
    if (wait) return wait.then(() => drain(chunker, blobs));
  }
  return undefined;
};

/** The blobs of one file: ids come back in any order. */
class BlobCollector {
  readonly #writer: BlobWriter;
  readonly #done: (totals: BlobTotals) => void;
  readonly #ids = new PackedIds();
  #count = 0;
  readonly #totals = { bytes: 0, newBlobs: 0, newBytes: 0, storedBytes: 0 };
  #pending = 1;

  constructor(writer: BlobWriter, done: (totals: BlobTotals) => void) {
    this.#writer = writer;
    this.#done = done;
  }

  add(chunk: Uint8Array): Promise<void> | undefined {
    const at = this.#count++;
    const { length } = chunk;
    this.#totals.bytes += length;
    this.#pending += 1;
    return this.#writer.add(chunk, (id, storedBytes) => {
      this.#ids.set(at, id);
      if (storedBytes > 0) {
        this.#totals.newBlobs += 1;
        this.#totals.newBytes += length;
        this.#totals.storedBytes += storedBytes;
      }
      this.#release();
    });
  }

  end(): void {
    this.#release();
  }

  #release(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#done({ ids: this.#ids, ...this.#totals });
  }
}
