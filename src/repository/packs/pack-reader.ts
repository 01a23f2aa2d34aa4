// Packs, or ranges of them, in a worker's memory: where they are authenticated without being copied.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import { withoutWaiting } from '#lib/without-waiting.ts';
import type { ByteRange } from '#stores/store.ts';
import { createPoly1305, type Poly1305 } from '../sealing/poly1305.ts';
import { discard, type Sealer } from '../sealing/seal.ts';
import { type PackEntry, packKey } from './blob.ts';

export class PackReader {
  readonly #localFolder: string | undefined;
  #poly = createPoly1305(8 * 1024 * 1024);
  /** Where in the pack that begins which is loaded. */
  #from = 0;

  /** Without a folder the bytes must come with each call. */
  constructor(localFolder: string | undefined) {
    this.#localFolder = localFolder;
  }

  /** The memory that `load` fills, from its beginning. */
  get poly(): Poly1305 {
    return this.#poly;
  }

  /** Loads a range of a pack (all of it without one) and returns how many bytes that are. `bytes` are used up. */
  load(pack: string, bytes: Uint8Array | undefined, range?: ByteRange): number {
    this.#from = range?.offset ?? 0;
    if (!bytes) return this.#loadFile(pack, range);
    const { length } = bytes; // discarded they have none
    this.#reserve(length);
    this.#poly.buffer.set(bytes);
    discard(bytes);
    return length;
  }

  /** Opens the seals of blobs that lie in what is loaded, as `Sealer.openEach` does. */
  openEach(
    sealer: Sealer,
    blobs: readonly PackEntry[],
    take: (opened: Uint8Array | undefined, blob: PackEntry) => void,
  ): void {
    const places = blobs.map((blob) => ({ blob, offset: blob.offset - this.#from, length: blob.length }));
    sealer.openEach(this.#poly, places, (opened, { blob }) => take(opened, blob));
  }

  #loadFile(pack: string, range: ByteRange | undefined): number {
    const key = packKey(pack);
    let file: number | undefined;
    try {
      file = openSync(join(this.#localFolder ?? '', key), withoutWaiting);
      const found = fstatSync(file);
      if (!found.isFile()) throw new HoldfastError('REPOSITORY_DAMAGED', `${key} is no file`);
      const { offset, length } = range ?? { offset: 0, length: found.size };
      this.#reserve(length);
      for (let read = 0; read < length; ) {
        const count = readSync(file, this.#poly.buffer, read, length - read, offset + read);
        if (count === 0)
          throw new HoldfastError('REPOSITORY_DAMAGED', `${key} is shorter than its index says`);
        read += count;
      }
      return length;
    } catch (cause) {
      if (cause instanceof HoldfastError) throw cause;
      if (systemCode(cause) === 'ENOENT') throw new HoldfastError('REPOSITORY_DAMAGED', `${key} is missing`);
      const code = systemCode(cause) === 'EIO' ? 'REPOSITORY_DAMAGED' : 'STORE_UNREACHABLE'; // a bad sector stays bad
      const hint = 'check the disk or the mount (`dmesg`, `mount`) and try again';
      throw new HoldfastError(code, `cannot read ${key}: ${messageOf(cause)}`, { cause, hint });
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  #reserve(length: number): void {
    if (this.#poly.buffer.length < length) this.#poly = createPoly1305(length + length / 4);
  }
}
