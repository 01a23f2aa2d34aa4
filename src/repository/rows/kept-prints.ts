// The prints of layers that lie in a distant store, kept on this machine: so the rows themselves need not be fetched for a backup. They lie in
// notes of so many rows each, of which the last one has fewer.
import { createHash, hkdfSync } from 'node:crypto';
import type { RowFormat } from '#lib/row-format.ts';
import type { PrintedRows } from '#lib/row-prints.ts';
import { treeCacheOf } from '#stores/store.ts';
import { packIds } from '../packs/blob-ids.ts';
import type { Session } from '../session.ts';
import type { TreeNode } from '../trees/tree.ts';

/** 384 KiB of prints. */
export const rowsANote = 32 * 1024;
const words = 3;
const idBytes = 32;
/** Before the prints: the note's name, and how many bytes its rows have. */
const headBytes = idBytes + 8;

/** Of rows' prints: whoever does not know it can neither make two rows with one print nor learn of a print what its row is. */
export const printKey = ({ key }: Session): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key.encrypt, '', 'holdfast row prints', 16));

export const keepsPrints = ({ store }: Session): boolean => treeCacheOf(store) !== undefined;

export interface KeptNote {
  /** Three words for each row; those of `rowsANote`, unless they are the last of the layer. */
  readonly prints: Uint32Array;
  /** How many bytes these rows have. */
  readonly rowBytes: number;
}

/** What is kept of a layer. */
export class KeptPrints {
  readonly #session: Session;
  /** The same blobs are the same rows. */
  readonly #layer: Buffer;

  constructor(session: Session, { content = [] }: TreeNode, format: RowFormat) {
    this.#session = session;
    const name = createHash('sha256').update(`prints of ${format}`).update(packIds(content));
    this.#layer = name.digest();
  }

  /** Undefined when it is not kept, or not as it was. */
  async note(at: number): Promise<KeptNote | undefined> {
    const name = this.#nameOf(at);
    const sealed = await treeCacheOf(this.#session.store)?.note(name.toString('hex'));
    const plain = sealed && this.#session.sealer.tryOpen(sealed);
    if (!plain?.subarray(0, idBytes).equals(name)) return undefined;
    const { buffer, byteOffset, length } = plain;
    const prints = new Uint32Array(buffer.slice(byteOffset + headBytes, byteOffset + length) as ArrayBuffer);
    return { prints, rowBytes: plain.readDoubleLE(idBytes) };
  }

  async keep(at: number, { prints, rowBytes }: KeptNote): Promise<void> {
    const name = this.#nameOf(at);
    const head = Buffer.alloc(headBytes);
    name.copy(head);
    head.writeDoubleLE(rowBytes, idBytes);
    const { buffer, byteOffset, byteLength } = prints;
    const plain = Buffer.concat([head, Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)]);
    const sealed = this.#session.sealer.seal(plain);
    await treeCacheOf(this.#session.store)?.keepNote(name.toString('hex'), sealed);
  }

  #nameOf(at: number): Buffer {
    return createHash('sha256').update(this.#layer).update(`${at}`).digest();
  }
}

/** Keeps the prints of a layer while its rows come. */
export class GatheredPrints {
  readonly #kept: KeptPrints;
  readonly #prints = new Uint32Array(words * rowsANote);
  #rows = 0;
  /** In the layer: where the rows begin that are gathered, and where they end. */
  #from = 0;
  #to = 0;
  #notes = 0;
  #full: KeptNote[] = [];

  constructor(kept: KeptPrints) {
    this.#kept = kept;
  }

  /** Rows that ended in a chunk, which begins at that byte of the layer. */
  add({ count, prints, ends }: PrintedRows, chunkAt: number): void {
    for (let row = 0; row < count; ) {
      const taken = Math.min(count - row, rowsANote - this.#rows);
      this.#prints.set(prints.subarray(words * row, words * (row + taken)), words * this.#rows);
      this.#rows += taken;
      row += taken;
      this.#to = chunkAt + (ends[row - 1] as number);
      if (this.#rows === rowsANote) this.#cut();
    }
  }

  /** Keeps what makes whole notes. */
  async keep(): Promise<void> {
    for (const note of this.#full.splice(0)) await this.#kept.keep(this.#notes++, note);
  }

  /** Keeps the last ones too. */
  async end(): Promise<void> {
    this.#cut();
    await this.keep();
  }

  #cut(): void {
    this.#full.push({ prints: this.#prints.slice(0, words * this.#rows), rowBytes: this.#to - this.#from });
    this.#from = this.#to;
    this.#rows = 0;
  }
}
