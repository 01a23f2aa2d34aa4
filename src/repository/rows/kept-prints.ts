// The prints of layers that lie in a distant store, kept on this machine: so the rows themselves need not be fetched for a backup.
import { createHash, hkdfSync } from 'node:crypto';
import type { RowFormat } from '#lib/row-format.ts';
import { treeCacheOf } from '#stores/store.ts';
import { packIds } from '../packs/blob-ids.ts';
import type { Session } from '../session.ts';
import type { TreeNode } from '../trees/tree.ts';

/** Those of two million rows. More would take too much memory while they are sealed. */
const mostBytes = 24 * 1024 * 1024;
const printBytes = 12;

/** Of rows' prints: whoever does not know it can neither make two rows with one print nor learn of a print what its row is. */
export const printKey = ({ key }: Session): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key.encrypt, '', 'holdfast row prints', 16));

/** About how many rows the layer has; undefined when its prints are not kept. */
export const keptRowCount = async (
  { store }: Session,
  rows: TreeNode,
  format: RowFormat,
): Promise<number | undefined> => {
  const sealed = await treeCacheOf(store)?.note(nameOf(rows, format).toString('hex'));
  return sealed && sealed.length / printBytes;
};

/** Three words for each row of the layer; undefined when they are not kept, or not as they were. */
export const keptPrints = async (
  session: Session,
  rows: TreeNode,
  format: RowFormat,
): Promise<Uint32Array | undefined> => {
  const cache = treeCacheOf(session.store);
  if (!cache) return undefined;
  const name = nameOf(rows, format);
  const sealed = await cache.note(name.toString('hex'));
  const plain = sealed && session.sealer.tryOpen(sealed);
  if (!plain?.subarray(0, name.length).equals(name)) return undefined;
  return new Uint32Array(plain.buffer.slice(plain.byteOffset + name.length, plain.byteOffset + plain.length));
};

export const keepsPrints = ({ store }: Session): boolean => treeCacheOf(store) !== undefined;

/** What is to be kept of a layer, where there is a cache. */
export class GatheredPrints {
  readonly #session: Session;
  #prints: Uint32Array[] | undefined;
  #bytes = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#prints = treeCacheOf(session.store) && [];
  }

  add(prints: Uint32Array): void {
    this.#bytes += prints.byteLength;
    if (this.#bytes > mostBytes) this.#prints = undefined;
    this.#prints?.push(prints.slice());
  }

  /** When all of them have been added. */
  async keep([rows]: readonly TreeNode[], format: RowFormat): Promise<void> {
    if (!this.#prints || !rows) return;
    const name = nameOf(rows, format);
    const parts = this.#prints.map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    );
    const sealed = this.#session.sealer.seal(Buffer.concat([name, ...parts]));
    await treeCacheOf(this.#session.store)?.keepNote(name.toString('hex'), sealed);
  }
}

/** The same blobs are the same rows. */
const nameOf = (rows: TreeNode, format: RowFormat): Buffer =>
  createHash('sha256')
    .update(`prints of ${format}`)
    .update(packIds(rows.content ?? []))
    .digest();
