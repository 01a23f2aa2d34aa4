// What is really there of the packs, compared with what the index says, before anything is written.
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { nameSyncOf } from '#stores/store.ts';
import { isThere, listIds } from '../sealing/unpacked.ts';
import type { Session } from '../session.ts';
import { packKey } from './blob.ts';
import { readNewIndexFiles } from './blob-index.ts';
import type { IndexedPack } from './index-file.ts';
import { listPacks, type StoredPack } from './list-packs.ts';
import { packBytes, readHeader } from './pack-format.ts';

/**
 * Packs that the index lists and that are gone or cut: what only they held is forgotten, so that it is stored again. Packs
 * that no index lists are what a run that died had stored: they are returned, to be listed, and the table has room for them.
 * They are whole, because a pack gets its name last; but while somebody else writes they may be his, and he will list them, and
 * those that rustic will remove are left to it.
 */
export const takeStock = async (session: Session): Promise<IndexedPack[]> => {
  const lost = new Set(session.blobs.packIds);
  const unlisted: StoredPack[] = [];
  for await (const { id, size } of listPacks(session.store)) {
    const expected = session.blobs.packSize(id);
    if (expected === size) lost.delete(id);
    else if (expected === undefined) unlisted.push({ id, size });
  }
  if (lost.size > 0)
    session.log.warn(
      `${plural(lost.size, 'pack is', 'packs are')} gone or cut: what only they held counts as lost (\`holdfast check\` names them)`,
    );
  session.blobs.forget(lost);
  if (unlisted.length === 0 || !(await session.lock?.isAlone())) return [];
  await readNewIndexFiles(session.blobs, session); // of somebody who came and went since it was read
  const { blobs } = session;
  const left = unlisted.filter(({ id }) => blobs.packSize(id) === undefined && !blobs.marked.has(id));
  const packs: IndexedPack[] = [];
  const read = mapOrdered(left, session.store.connections, (found) => readPack(session, found));
  for await (const pack of read) if (pack) packs.push(pack);
  await nameSyncOf(session.store)?.syncNames(packs.map(({ id }) => packKey(id)));
  session.blobs.reserve(packs.reduce((sum, pack) => sum + pack.entries.length, 0));
  return packs;
};

/**
 * Throws when our lock or an index file that was read is gone: somebody may have pruned meanwhile, whatever our lock should have
 * told him, and blobs that count as stored may be no more.
 */
export const refuseIfPruned = async (session: Session): Promise<void> => {
  const [listed] = await Promise.all([listIds(session.store, 'index'), session.lock?.refuseIfLost()]);
  const there = new Set(listed);
  for (const id of session.blobs.files)
    if (!there.has(id) && !(await isThere(session.store, `index/${id}`)))
      throw new HoldfastError(
        'REPOSITORY_LOCKED',
        `somebody rewrote the index of the repository at ${session.store.location} while it was written to`,
        { hint: 'nothing is damaged; run it again, what was stored is used' },
      );
};

/** Undefined for a pack that cannot be used: it stays where it is, and `check` will name it. */
export const readPack = async (
  session: Session,
  { id, size }: StoredPack,
): Promise<IndexedPack | undefined> => {
  const key = packKey(id);
  try {
    const read = (offset: number, length: number): Promise<Uint8Array> =>
      session.store.get(key, { offset, length });
    const entries = await readHeader(session.sealer, size, read, key);
    return packBytes(entries) === size ? { id, entries } : undefined;
  } catch (error) {
    if (!hasCode(error, 'REPOSITORY_DAMAGED', 'OBJECT_MISSING', 'STORE_DENIED')) throw error;
    return undefined;
  }
};
