// The prints of layers that lie in a distant store, kept on this machine: so the rows themselves need not be fetched for a backup.
import { createHash, hkdfSync } from 'node:crypto';
import { treeCacheOf } from '#stores/store.ts';
import { packIds } from '../blob-ids.ts';
import type { Session } from '../session.ts';
import type { TreeNode } from '../tree.ts';
import { idsOf } from './layers.ts';

/** Of rows' prints: whoever does not know it can neither make two rows with one print nor learn of a print what its row is. */
export const printKey = ({ key }: Session): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key.encrypt, '', 'holdfast row prints', 16));

/** Three words for each line of the layer; undefined when they are not kept, or not as they were. */
export const keptPrints = async (session: Session, rows: TreeNode): Promise<Uint32Array | undefined> => {
  const name = nameOf(rows);
  const sealed = await treeCacheOf(session.store)?.note(name.toString('hex'));
  const plain = sealed && session.sealer.tryOpen(sealed);
  if (!plain?.subarray(0, name.length).equals(name)) return undefined;
  return new Uint32Array(plain.buffer.slice(plain.byteOffset + name.length, plain.byteOffset + plain.length));
};

/** Keeps them where there is a cache. */
export const keepPrints = async (
  session: Session,
  rows: TreeNode,
  prints: readonly Uint32Array[],
): Promise<void> => {
  const name = nameOf(rows);
  const parts = prints.map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  const sealed = session.sealer.seal(Buffer.concat([name, ...parts]));
  await treeCacheOf(session.store)?.keepNote(name.toString('hex'), sealed);
};

export const keepsPrints = ({ store }: Session): boolean => treeCacheOf(store) !== undefined;

/** The same blobs are the same rows. */
const nameOf = (rows: TreeNode): Buffer =>
  createHash('sha256')
    .update('row prints')
    .update(packIds(idsOf(rows)))
    .digest();
