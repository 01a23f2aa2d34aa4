// One blob, read and verified on this thread: for trees, one at a time. Contents go through BlobReader.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { type ByteRange, type Store, treeCacheOf } from '#stores/store.ts';
import { type BlobLocation, type BlobType, packKey, tooLarge } from '../packs/blob.ts';
import { discardLarge, spareBytes } from '../sealing/compression.ts';
import { discard } from '../sealing/seal.ts';
import type { Session } from '../session.ts';
import type { TreeNode } from '../trees/tree.ts';
import { readTree } from '../trees/tree-nodes.ts';
import { openBlob } from './open-blob.ts';

/** The blob's plaintext, its seal and its id verified. REPOSITORY_DAMAGED when every copy of it is missing or wrong. */
export const loadBlob = async (session: Session, id: string, type: BlobType, copy = 0): Promise<Buffer> => {
  const location = locateBlob(session, id, type, copy);
  try {
    const { offset, length } = location;
    const get = type === 'tree' ? getTrees : getRange;
    const read = async () =>
      session.sealer.tryOpen(await get(session.store, location.pack, { offset, length }));
    // A second time when need be: the line may be at fault, and not the store.
    const output = Buffer.allocUnsafe((location.plainLength || location.length) + spareBytes);
    const opened = (await read()) ?? (await read());
    const plain = openBlob(opened, id, location, output);
    if (opened) discard(opened);
    return output.subarray(0, plain.length);
  } catch (error) {
    if (!hasCode(error, 'REPOSITORY_DAMAGED') || !session.blobs.locate(id, type, copy + 1)) throw error;
    return loadBlob(session, id, type, copy + 1);
  }
};

/** The nodes of a tree, errors as of `loadBlob`. */
export const loadNodes = async (session: Session, id: string): Promise<TreeNode[]> => {
  const tree = await loadBlob(session, id, 'tree');
  const nodes = readTree(tree, id, locateBlob(session, id, 'tree').length);
  discardLarge(tree); // that of a folder of large tables, which take a hundredth of their size there
  return nodes;
};

/** Bytes of a pack, all of them without a range. REPOSITORY_DAMAGED when the pack is gone or shorter than that. */
export const getRange = (store: Store, pack: string, range?: ByteRange): Promise<Uint8Array> =>
  knowingLoss(pack, () => store.get(packKey(pack), range));

/** The same for a range that holds trees: from a cache of this machine, where there is one. */
export const getTrees = (store: Store, pack: string, range: ByteRange): Promise<Uint8Array> => {
  const cache = treeCacheOf(store);
  return cache ? knowingLoss(pack, () => cache.getTrees(packKey(pack), range)) : getRange(store, pack, range);
};

const knowingLoss = async (pack: string, read: () => Promise<Uint8Array>): Promise<Uint8Array> => {
  try {
    return await read();
  } catch (cause) {
    if (!hasCode(cause, 'OBJECT_MISSING')) throw cause;
    throw new HoldfastError(
      'REPOSITORY_DAMAGED',
      `${packKey(pack)} is missing, or shorter than its index says`,
      {
        cause,
        hint: 'run `holdfast check` to learn what else is damaged',
      },
    );
  }
};

/** Where the blob lies; REPOSITORY_DAMAGED when no index knows it. `copy` counts the places of a blob that has several. */
export const locateBlob = (session: Session, id: string, type: BlobType, copy = 0): BlobLocation => {
  const location = session.blobs.locate(id, type, copy);
  const why = location && tooLarge(type, location);
  if (why !== undefined)
    throw new HoldfastError('REPOSITORY_DAMAGED', `${type} blob ${id} is damaged: ${why}`);
  if (location) return location;
  throw new HoldfastError('REPOSITORY_DAMAGED', `${type} blob ${id} is in no index`, {
    hint: 'its pack was lost, or its index: run `holdfast check`',
  });
};
