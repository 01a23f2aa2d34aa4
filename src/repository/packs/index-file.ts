// Index files: which blobs lie in which packs. A pack stands whole in one index file.
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import type { Store } from '#stores/store.ts';
import type { Sealer } from '../sealing/seal.ts';
import { fetchUnpacked, saveUnpacked } from '../sealing/unpacked.ts';
import { isId, type PackEntry } from './blob.ts';

export interface IndexedPack {
  readonly id: string;
  readonly entries: readonly PackEntry[];
}

export interface IndexContent {
  readonly packs: readonly IndexedPack[];
  /** Ids of packs that rustic took out of the repository: they are still there, and it removes them some day. */
  readonly marked: readonly string[];
}

// Checked by hand below and not by a schema: an index has fifty thousand of these, and opening a repository reads all.
interface RawBlob {
  readonly id: string;
  readonly type: 'data' | 'tree';
  readonly offset: number;
  readonly length: number;
  readonly uncompressed_length?: number;
}

const named = z.object({ id: z.string().refine(isId) });

const indexFile = z.object({
  packs: z.array(named.extend({ blobs: z.custom<(Partial<RawBlob> | null)[]>(Array.isArray) })).nullable(),
  packs_to_delete: z.array(named).default([]),
});

export const saveIndex = (store: Store, sealer: Sealer, packs: readonly IndexedPack[]): Promise<string> =>
  saveUnpacked(store, sealer, 'index', { packs: packs.map(encodePack) });

/** The packs of one index file; REPOSITORY_DAMAGED when it is not one. */
export const loadIndex = async (store: Store, sealer: Sealer, id: string): Promise<readonly IndexedPack[]> =>
  (await fetchIndex(store, sealer, id))().packs;

/** All of it in two steps, so that several files are fetched at a time and only one is open, which takes thirty times as much memory. */
export const fetchIndex = async (store: Store, sealer: Sealer, id: string): Promise<() => IndexContent> => {
  const open = await fetchUnpacked(store, sealer, 'index', id);
  return () => {
    const file = indexFile.safeParse(open());
    if (!file.success) throw damaged(id);
    const packs = (file.data.packs ?? []).map((pack) => ({
      id: pack.id,
      entries: pack.blobs.map((blob) => decodeBlob(blob, id)),
    }));
    return { packs, marked: file.data.packs_to_delete.map((pack) => pack.id) };
  };
};

const encodePack = ({ id, entries }: IndexedPack): { id: string; blobs: RawBlob[] } => ({
  id,
  blobs: entries.map(({ id, type, offset, length, plainLength }) => ({
    id,
    type,
    offset,
    length,
    ...(plainLength > 0 && { uncompressed_length: plainLength }),
  })),
});

const decodeBlob = (blob: Partial<RawBlob> | null, indexId: string): PackEntry => {
  const { id, type, offset, length, uncompressed_length: plainLength = 0 } = blob ?? {};
  if (
    typeof id !== 'string' ||
    !isId(id) ||
    (type !== 'data' && type !== 'tree') ||
    !isCount(offset) ||
    !isCount(length) ||
    !isCount(plainLength)
  )
    throw damaged(indexId);
  return { id, type, offset, length, plainLength };
};

/** A pack's header has 32 bits for a length, and the blob table for each of them. */
const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;

const damaged = (id: string): HoldfastError =>
  new HoldfastError('REPOSITORY_DAMAGED', `index/${id} is damaged: it does not list packs and blobs`);
