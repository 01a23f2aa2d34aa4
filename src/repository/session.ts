// An open repository's inner parts, shared by everything that reads and writes it.

import { mapOrdered } from '#lib/concurrency.ts';
import type { Store } from '#stores/store.ts';
import type { BlobLocation, BlobType } from './blob.ts';
import { idFromHex } from './blob.ts';
import { BlobTable } from './blob-table.ts';
import type { RepositoryConfig } from './config.ts';
import { type IndexedPack, loadIndex } from './index-file.ts';
import type { Sealer, SealKey } from './seal.ts';
import { listIds } from './unpacked.ts';

export interface Session extends OpenStore {
  readonly blobs: BlobIndex;
}

/** The same before the index is read. */
export interface OpenStore {
  readonly store: Store;
  readonly key: SealKey;
  /** The key file that opened it. */
  readonly keyId: string;
  readonly sealer: Sealer;
  readonly config: RepositoryConfig;
  readonly signal: AbortSignal;
  /** zstd level; undefined stores blobs as they are. */
  readonly level: number | undefined;
  readonly verifyAfterSeal: boolean;
}

/** Where every blob is: the shared table, with the packs by number. */
export class BlobIndex {
  table: BlobTable;
  readonly #packs: string[] = [];
  readonly #known = new Set<string>();

  constructor(blobs: number) {
    this.table = new BlobTable(blobs);
  }

  has(id: string, type: BlobType): boolean {
    return this.table.has(id, type);
  }

  locate(id: string, type: BlobType): BlobLocation | undefined {
    const place = this.table.locate(id, type);
    return place && { ...place, pack: this.#packs[place.pack] as string };
  }

  /** True when some index lists the pack. */
  hasPack(id: string): boolean {
    return this.#known.has(id);
  }

  get packIds(): readonly string[] {
    return this.#packs;
  }

  /** Registers a stored pack. The table must have room (see `reserve`). */
  add({ id, entries }: IndexedPack): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    const number = this.#packs.push(id) - 1;
    for (const entry of entries)
      this.table.put(idFromHex(entry.id), entry.type, number, entry.offset, entry.length, entry.plainLength);
  }

  /** Makes room for so many more blobs; true when the table is another one now. Nobody else may use it meanwhile. */
  reserve(blobs: number): boolean {
    if (!this.table.isFullWith(blobs)) return false;
    this.table = this.table.grown(this.table.count + blobs);
    return true;
  }
}

/** Reads every index file of the store. */
export const loadBlobIndex = async (
  store: Store,
  sealer: Sealer,
  signal: AbortSignal,
): Promise<BlobIndex> => {
  const ids = await listIds(store, 'index');
  const index = new BlobIndex(ids.length * 50_000);
  for await (const packs of mapOrdered(ids, store.connections, (id) => loadIndex(store, sealer, id))) {
    signal.throwIfAborted();
    index.reserve(packs.reduce((sum, pack) => sum + pack.entries.length, 0));
    for (const pack of packs) index.add(pack);
  }
  return index;
};
