// Where every blob is: what all index files say, in one table that is shared with the workers.
import { throwIfCancelled } from '#lib/clock.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import type { Store } from '#stores/store.ts';
import type { Sealer } from '../sealing/seal.ts';
import { type BlobLocation, type BlobType, isId } from './blob.ts';
import { BlobTable, roomForNewBlobs } from './blob-table.ts';
import { fetchIndex, type IndexedPack } from './index-file.ts';
import { packBytes } from './pack-format.ts';

/** About what a blob takes of an index file; a version 1 file takes more, and the table is larger than it must be. */
const bytesPerBlob = 45;
/** More is believed when it is there: sizes of a listing are what the server says, and room for them is taken before anything is read. */
const mostForeseenBlobs = 16 * 1024 * 1024;

interface Pack {
  readonly id: string;
  readonly sizeBytes: number;
}

type Place = Omit<BlobLocation, 'pack'> & { readonly pack: number };

/** The table, with the packs by number, and the blobs that lie in several packs. */
export class BlobIndex {
  table: BlobTable;
  readonly #packs: Pack[] = [];
  readonly #known = new Map<string, number>();
  /** Places of a blob beyond its first. */
  readonly #others = new Map<string, Place[]>();
  /** The index files that were read. */
  readonly files = new Set<string>();
  /** Packs that rustic will remove, by their ids. */
  readonly marked = new Set<string>();

  constructor(blobs: number) {
    this.table = new BlobTable(blobs);
  }

  has(id: string, type: BlobType): boolean {
    return this.table.has(id, type);
  }

  /** The blob's place, or, counting from 0, that of another copy of it. */
  locate(id: string, type: BlobType, copy = 0): BlobLocation | undefined {
    const place = copy === 0 ? this.table.locate(id, type) : this.#others.get(`${type} ${id}`)?.[copy - 1];
    return place && { ...place, pack: (this.#packs[place.pack] as Pack).id };
  }

  /** The size of a pack that some index lists. */
  packSize(id: string): number | undefined {
    const number = this.#known.get(id);
    return number === undefined ? undefined : (this.#packs[number] as Pack).sizeBytes;
  }

  get packIds(): readonly string[] {
    return this.#packs.map(({ id }) => id);
  }

  /** Registers a stored pack. The table must have room (see `reserve`). */
  add({ id: pack, entries }: IndexedPack): void {
    if (this.#known.has(pack)) return;
    const number = this.#packs.push({ id: pack, sizeBytes: packBytes(entries) }) - 1;
    this.#known.set(pack, number);
    for (const entry of entries) {
      if (this.table.put(entry, number)) continue;
      const { id, type, ...place } = entry;
      const others = this.#others.get(`${type} ${id}`);
      if (others) others.push({ ...place, pack: number });
      else this.#others.set(`${type} ${id}`, [{ ...place, pack: number }]);
    }
  }

  /** Makes room for so many more blobs. No other thread may use the table meanwhile, nor before it has `shared` anew. */
  reserve(blobs: number): void {
    if (this.table.isFullWith(blobs)) this.table.grow(this.table.count + blobs);
  }

  /** Blobs that lie in these packs only are unknown from now on. Nobody else may use the table meanwhile. */
  forget(packs: ReadonlySet<string>): void {
    if (packs.size === 0) return;
    const isKept = ({ pack }: { readonly pack: number }): boolean =>
      !packs.has((this.#packs[pack] as Pack).id);
    const old = this.table;
    const others = new Map(this.#others);
    this.#others.clear();
    this.table = new BlobTable(old.count);
    for (let number = 0; number < old.count; number += 1) {
      const first = old.placeAt(number);
      if (!first) continue;
      const { id, type } = old.entryAt(number);
      const key = `${type} ${id}`;
      const [kept, ...more] = [first, ...(others.get(key) ?? [])].filter(isKept);
      if (!kept) continue;
      this.table.put({ ...kept, id, type }, kept.pack);
      if (more.length > 0) this.#others.set(key, more);
    }
  }
}

/** Where index files are read from. */
export interface IndexSource {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly signal: AbortSignal;
}

/** Reads every index file of the store. */
export const loadBlobIndex = async (from: IndexSource): Promise<BlobIndex> => {
  const index = new BlobIndex(0);
  await readNewIndexFiles(index, from);
  return index;
};

/** Reads the index files that are new since the last time. Nobody else may use the table meanwhile. */
export const readNewIndexFiles = async (
  index: BlobIndex,
  { store, sealer, signal }: IndexSource,
): Promise<void> => {
  const added: string[] = [];
  let bytes = 0;
  for await (const { key, size } of store.list('index/')) {
    const id = key.slice('index/'.length);
    if (!isId(id) || index.files.has(id)) continue;
    added.push(id);
    bytes += size;
  }
  index.reserve(Math.min(mostForeseenBlobs, Math.ceil(bytes / bytesPerBlob)) + roomForNewBlobs);
  for await (const open of mapOrdered(added, store.connections, (id) => fetchIndex(store, sealer, id))) {
    throwIfCancelled(signal);
    const { packs, marked } = open();
    for (const id of marked) index.marked.add(id);
    index.reserve(packs.reduce((sum, pack) => sum + pack.entries.length, 0));
    for (const pack of packs) index.add(pack);
  }
  for (const id of added) index.files.add(id);
};
