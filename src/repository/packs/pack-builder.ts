// One pack being filled: blobs are sealed straight into the memory in which the pack is authenticated, hashed and stored.
import { hash } from 'node:crypto';
import {
  compress,
  compressPieces,
  decompress,
  hashDecompressed,
  longestFrame,
  mostKeptBytes,
} from '../sealing/compression.ts';
import { createPoly1305, type Poly1305 } from '../sealing/poly1305.ts';
import { nextStaged, overheadBytes, type Sealer } from '../sealing/seal.ts';
import type { BlobType, PackEntry } from './blob.ts';
import { HeaderWriter, lengthBytes } from './pack-format.ts';

/** A pack is closed when it has grown to this size. */
const targetBytes = 16 * 1024 * 1024;
/** Or when its header lists so many blobs. */
const mostEntries = 20_000;
/** The largest blob that fits without the memory growing, and room for the header. */
const slackBytes = 10 * 1024 * 1024;
const usualBytes = targetBytes + slackBytes;
/** Blobs up to this size are sealed together, … */
const smallBytes = 16 * 1024;
/** … when so much of them is staged: it stays in a core's own memory until then. */
const stagedBytes = 64 * 1024;
/** The zstd level of trees, which are compressed in any case. */
export const usualLevel = 3;
/** A blob is stored as it is when compression would save less than one part in so many. */
const leastGain = 32;

export interface PackBuilderOptions {
  readonly sealer: Sealer;
  readonly type: BlobType;
  /** zstd level; undefined stores blobs as they are. */
  readonly level: number | undefined;
  /** Open each blob again and compare it with what was given. */
  readonly verify: boolean;
}

export interface FinishedPack {
  readonly id: string;
  /** Its header's plaintext, which lists the blobs in order. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** A view of the builder's memory: valid until the next blob is added. */
  readonly bytes: Uint8Array;
}

export class PackBuilder {
  readonly #options: PackBuilderOptions;
  #poly: Poly1305 | undefined;
  #used = 0;
  readonly #header = new HeaderWriter();
  /** Small blobs, compressed, that have their place in the pack and are not sealed yet. */
  readonly #staged: { readonly room: Uint8Array; used: number; entries: PackEntry[] };

  constructor(options: PackBuilderOptions) {
    this.#options = options;
    this.#staged = { room: new Uint8Array(stagedBytes + longestFrame(smallBytes)), used: 0, entries: [] };
  }

  get isFull(): boolean {
    return this.#used >= targetBytes || this.#header.count >= mostEntries;
  }

  get isEmpty(): boolean {
    return this.#header.count === 0;
  }

  /** Adds a blob to the pack; returns its stored length. What cannot be read back may be noticed when a later one is added. */
  add(id: string, plain: Uint8Array): number {
    if (plain.length <= smallBytes) return this.#stage(id, plain);
    const squeezed = this.#squeeze(plain);
    const payload = squeezed ?? plain;
    const poly = this.#room(payload.length + overheadBytes);
    const length = this.#options.sealer.sealInto(poly, this.#used, payload);
    return this.#sealed(this.#entry(id, length, squeezed ? plain.length : 0));
  }

  /** The same for a blob that is not in memory as a whole; it is compressed. */
  addPieces(id: string, pieces: Iterable<Uint8Array>, plainLength: number): number {
    const { sealer, level = usualLevel } = this.#options;
    const poly = this.#room(longestFrame(plainLength) + overheadBytes);
    const length = sealer.sealPieces(poly, this.#used, (take) =>
      compressPieces(pieces, { level, plainLength }, take),
    );
    return this.#sealed(this.#entry(id, length, plainLength));
  }

  #stage(id: string, plain: Uint8Array): number {
    const staged = this.#staged;
    const room = staged.room.subarray(staged.used);
    const squeezed = this.#squeeze(plain, room);
    if (!squeezed) room.set(plain);
    const { length } = squeezed ?? plain;
    this.#room(length + overheadBytes);
    const entry = this.#entry(id, length + overheadBytes, squeezed ? plain.length : 0);
    staged.entries.push(entry);
    staged.used = nextStaged(staged.used + length);
    if (staged.used >= stagedBytes) this.#sealStaged();
    return entry.length;
  }

  #sealStaged(): void {
    const { room, used, entries } = this.#staged;
    if (entries.length === 0) return;
    const poly = this.#room(0);
    this.#options.sealer.sealStaged(poly, entries, room.subarray(0, used));
    Object.assign(this.#staged, { used: 0, entries: [] });
    if (this.#options.verify) this.#compare(poly, entries);
  }

  /** Gives a blob the next place in the pack. */
  #entry(id: string, length: number, plainLength: number): PackEntry {
    const entry = { id, type: this.#options.type, offset: this.#used, length, plainLength };
    this.#header.add(entry);
    this.#used += length;
    return entry;
  }

  #sealed(entry: PackEntry): number {
    if (this.#options.verify) {
      const poly = this.#room(0);
      if (entry.plainLength > mostKeptBytes) this.#compareLarge(poly, entry);
      else this.#compare(poly, [entry]);
    }
    return entry.length;
  }

  /** Takes over a blob that is sealed already. */
  addSealed(blob: PackEntry, sealed: Uint8Array): void {
    this.#room(sealed.length).buffer.set(sealed, this.#used);
    this.#header.add(blob);
    this.#used += sealed.length;
  }

  /** Closes the pack and begins a new one. */
  finish(): FinishedPack {
    this.#sealStaged();
    const header = this.#header.finish();
    const sealed = this.#options.sealer.seal(header);
    const poly = this.#room(sealed.length + lengthBytes);
    poly.buffer.set(sealed, this.#used);
    const view = new DataView(poly.buffer.buffer, poly.buffer.byteOffset);
    view.setUint32(this.#used + sealed.length, sealed.length, true);
    const bytes = poly.buffer.subarray(0, this.#used + sealed.length + lengthBytes);
    const finished = { id: hash('sha256', bytes, 'hex'), header, bytes };
    if (poly.buffer.length > usualBytes) this.#poly = undefined;
    this.#used = 0;
    return finished;
  }

  #squeeze(plain: Uint8Array, output?: Uint8Array): Uint8Array | undefined {
    if (this.#options.level === undefined) return undefined;
    const frame = compress(plain, this.#options.level, output);
    return frame.length + plain.length / leastGain < plain.length ? frame : undefined;
  }

  #room(bytes: number): Poly1305 {
    const needed = this.#used + bytes;
    if (!this.#poly || this.#poly.buffer.length < needed) {
      const larger = createPoly1305(Math.max(usualBytes, needed + slackBytes));
      if (this.#poly) larger.buffer.set(this.#poly.buffer.subarray(0, this.#used));
      this.#poly = larger;
    }
    return this.#poly;
  }

  // Guards against bad memory and faulty codecs: what cannot be opened now could never be restored.
  #compare(poly: Poly1305, entries: readonly PackEntry[]): void {
    this.#options.sealer.openEach(poly, entries, (opened, entry) => {
      const plain = opened && entry.plainLength > 0 ? decompress(opened, entry.plainLength) : opened;
      assertSame(entry, plain && hash('sha256', plain, 'hex'));
    });
  }

  /** The same for a blob that need not be in memory as a whole. */
  #compareLarge(poly: Poly1305, entry: PackEntry): void {
    const pieces = this.#options.sealer.piecesFrom(poly, entry);
    assertSame(entry, pieces && hashDecompressed(pieces, entry.plainLength));
  }
}

const assertSame = ({ id }: PackEntry, readBack: string | undefined): void => {
  if (readBack !== id)
    throw new Error(`blob ${id} could not be read back after it was sealed; test this machine's memory`);
};
