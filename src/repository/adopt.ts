// Packs that no index lists are what a run that died had stored. They are whole (a pack gets its name last), so the next
// run lists them and their blobs need not be stored again.
import { mapOrdered } from '#lib/concurrency.ts';
import { isId, packKey } from './blob.ts';
import type { IndexedPack } from './index-file.ts';
import { packBytes, readHeader } from './pack-format.ts';
import type { Session } from './session.ts';

/** Reads the headers of packs that no index lists; the table has room for them afterwards. */
export const findUnlistedPacks = async (session: Session): Promise<IndexedPack[]> => {
  const unlisted: { id: string; size: number }[] = [];
  for await (const { key, size } of session.store.list('data/')) {
    const id = key.slice(key.lastIndexOf('/') + 1);
    if (isId(id) && !session.blobs.hasPack(id)) unlisted.push({ id, size });
  }
  const packs: IndexedPack[] = [];
  for await (const pack of mapOrdered(unlisted, session.store.connections, (found) =>
    readPack(session, found),
  ))
    if (pack) packs.push(pack);
  session.blobs.reserve(packs.reduce((sum, pack) => sum + pack.entries.length, 0));
  return packs;
};

/** Undefined for a pack that cannot be used: it stays where it is, and `check` will name it. */
const readPack = async (
  session: Session,
  { id, size }: { id: string; size: number },
): Promise<IndexedPack | undefined> => {
  const key = packKey(id);
  try {
    const read = (offset: number, length: number): Promise<Uint8Array> =>
      session.store.get(key, { offset, length });
    const entries = await readHeader(session.sealer, size, read, key);
    return packBytes(entries) === size ? { id, entries } : undefined;
  } catch {
    return undefined;
  }
};
