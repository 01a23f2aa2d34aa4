// One pack being filled: blobs are sealed straight into the memory in which the pack is authenticated, hashed and stored.
import { hash } from 'node:crypto';
import type { BlobType, PackEntry } from './blob.ts';
import {
  compress,
  compressPieces,
  decompress,
  hashDecompressed,
  longestFrame,
  mostKeptBytes,
} from './compression.ts';
import { encodeHeader, lengthBytes } from './pack-format.ts';
import { createPoly1305, type Poly1305 } from './poly1305.ts';
import { discard, overheadBytes, type Sealer } from './seal.ts';

/** A pack is closed when it has grown to this size. */
const targetBytes = 16 * 1024 * 1024;
/** Or when its header lists so many blobs. */
const mostEntries = 20_000;
/** The largest blob that fits without the memory growing, and room for the header. */
const slackBytes = 10 * 1024 * 1024;
const usualBytes = targetBytes + slackBytes;
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
  readonly entries: readonly PackEntry[];
  /** A view of the builder's memory: valid until the next blob is added. */
  readonly bytes: Uint8Array;
}

export class PackBuilder {
  readonly #options: PackBuilderOptions;
  #poly: Poly1305 | undefined;
  #used = 0;
  #entries: PackEntry[] = [];

  constructor(options: PackBuilderOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#used >= targetBytes || this.#entries.length >= mostEntries;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Seals a blob into the pack; returns its stored length. */
  add(id: string, plain: Uint8Array): number {
    const squeezed = this.#squeeze(plain);
    const payload = squeezed ?? plain;
    const poly = this.#room(payload.length + overheadBytes);
    const length = this.#options.sealer.sealInto(poly, this.#used, payload);
    return this.#added(id, poly, length, squeezed ? plain.length : 0);
  }

  /** The same for a blob that is not in memory as a whole; it is compressed. */
  addPieces(id: string, pieces: Iterable<Uint8Array>, plainLength: number): number {
    const { sealer, level = usualLevel } = this.#options;
    const poly = this.#room(longestFrame(plainLength) + overheadBytes);
    const length = sealer.sealPieces(poly, this.#used, (take) =>
      compressPieces(pieces, { level, plainLength }, take),
    );
    return this.#added(id, poly, length, plainLength);
  }

  #added(id: string, poly: Poly1305, length: number, plainLength: number): number {
    if (this.#options.verify) this.#compare(poly, length, plainLength, id);
    this.#entries.push({ id, type: this.#options.type, offset: this.#used, length, plainLength });
    this.#used += length;
    return length;
  }

  /** Takes over a blob that is sealed already. */
  addSealed(blob: PackEntry, sealed: Uint8Array): void {
    this.#room(sealed.length).buffer.set(sealed, this.#used);
    this.#entries.push({ ...blob, offset: this.#used });
    this.#used += sealed.length;
  }

  /** Closes the pack and begins a new one. */
  finish(): FinishedPack {
    const header = this.#options.sealer.seal(encodeHeader(this.#entries));
    const poly = this.#room(header.length + lengthBytes);
    poly.buffer.set(header, this.#used);
    const view = new DataView(poly.buffer.buffer, poly.buffer.byteOffset);
    view.setUint32(this.#used + header.length, header.length, true);
    const bytes = poly.buffer.subarray(0, this.#used + header.length + lengthBytes);
    const finished = { id: hash('sha256', bytes, 'hex'), entries: this.#entries, bytes };
    if (poly.buffer.length > usualBytes) this.#poly = undefined;
    this.#used = 0;
    this.#entries = [];
    return finished;
  }

  #squeeze(plain: Uint8Array): Uint8Array | undefined {
    if (this.#options.level === undefined) return undefined;
    const frame = compress(plain, this.#options.level);
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
  #compare(poly: Poly1305, length: number, plainLength: number, id: string): void {
    if (this.#idOf(poly, length, plainLength) !== id)
      throw new Error(`blob ${id} could not be read back after it was sealed; test this machine's memory`);
  }

  #idOf(poly: Poly1305, length: number, plainLength: number): string | undefined {
    const { sealer } = this.#options;
    if (plainLength > mostKeptBytes) {
      const pieces = sealer.piecesFrom(poly, this.#used, length);
      return pieces && hashDecompressed(pieces, plainLength);
    }
    const opened = sealer.openFrom(poly, this.#used, length);
    if (!opened) return undefined;
    const id = hash('sha256', plainLength > 0 ? decompress(opened, plainLength) : opened, 'hex');
    discard(opened);
    return id;
  }
}
