// Documents of many files, written together. Those of one lie far apart in the server's trees, which are in the order of ids: one
// file after the other, each batch would rewrite most of a tree.
import { forEachLimit } from '#lib/concurrency.ts';
import { type Batch, batchesOf } from './load-documents.ts';
import type { StoredLeaf } from './put-leaves.ts';

/** What may be gathered in memory before it is written: the more it is, the nearer are its neighbours in the trees. */
const groupBytes = 96 * 1024 * 1024;
/** What a leaf takes besides its text. */
const leafBytes = 400;

export class GatheredLeaves {
  readonly #connections: number;
  readonly #write: (batch: Batch) => Promise<void>;
  #leaves: StoredLeaf[] = [];
  #bytes = 0;

  constructor(connections: number, write: (batch: Batch) => Promise<void>) {
    this.#connections = connections;
    this.#write = write;
  }

  async put(leaves: readonly StoredLeaf[]): Promise<void> {
    this.#leaves.push(...leaves);
    for (const { leaf } of leaves) this.#bytes += leafBytes + leaf.end - leaf.start;
    if (this.#bytes >= groupBytes) await this.flush();
  }

  async flush(): Promise<void> {
    const leaves = this.#leaves.sort(({ leaf: { id: a } }, { leaf: { id: b } }) =>
      a < b ? -1 : a > b ? 1 : 0,
    );
    [this.#leaves, this.#bytes] = [[], 0];
    await forEachLimit(batchesOf(leaves), this.#connections, this.#write);
  }
}
