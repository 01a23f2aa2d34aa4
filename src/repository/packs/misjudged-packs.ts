// Packs that are whole and of which the index says something else: what they hold is not lost.
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import type { Session } from '../session.ts';
import { packKey } from './blob.ts';
import type { IndexedPack } from './index-file.ts';
import type { StoredPack } from './list-packs.ts';
import { readPack } from './stock.ts';

/** Throws when one of the packs is whole as its own header has it, and `isListed` says that the index has it otherwise. */
export const refuseIfMisjudged = async (
  session: Session,
  reader: BlobReader,
  packs: readonly StoredPack[],
  isListed: (pack: IndexedPack) => boolean,
): Promise<void> => {
  const read = (pack: StoredPack): Promise<IndexedPack | undefined> => readPack(session, pack);
  for await (const pack of mapOrdered(packs, session.store.connections, read)) {
    if (!pack || isListed(pack) || (await reader.checkPack(pack)).problems.length > 0) continue;
    throw new HoldfastError(
      'REPOSITORY_DAMAGED',
      `nothing was removed: ${packKey(pack.id)} is whole, and the index says that it holds something else`,
      { hint: 'run `holdfast repair index` first' },
    );
  }
};
