// Directories while a snapshot is written: each becomes a tree blob when it is closed and all its files have their blobs.
import { HoldfastError } from '#lib/errors.ts';
import type { EntryMeta } from '#sources/source.ts';
import { compareNames, encodeNode, encodeTree, type TreeNode } from './tree.ts';

/** Stores a tree blob and tells its id. `existed`: the previous snapshot has a directory of that path. */
export type StoreTree = (tree: Uint8Array, existed: boolean, done: (id: string) => void) => void;

export class Directory {
  readonly path: string;
  readonly #name: string;
  readonly #parent: Directory | undefined;
  readonly #storeTree: StoreTree;
  readonly #nodes = new Map<string, string>();
  #meta: EntryMeta;
  #existed = false;
  #onStored: (id: string) => void = () => {};
  /** Children that are not nodes yet, and one for the directory being open. */
  #pending = 1;

  constructor(name: string, meta: EntryMeta, parent: Directory | undefined, storeTree: StoreTree) {
    this.path = parent?.path ? `${parent.path}/${name}` : name;
    this.#name = name;
    this.#meta = meta;
    this.#parent = parent;
    this.#storeTree = storeTree;
    parent?.begin();
  }

  /** A directory that was made because an entry lay in it gets its own metadata. */
  describe(meta: EntryMeta): void {
    this.#meta = meta;
  }

  /** The previous snapshot has it too, and so all that it lies in. */
  existed(): void {
    if (this.#existed) return;
    this.#existed = true;
    this.#parent?.existed();
  }

  /** Announces a child; `add` or `drop` must follow. */
  begin(): void {
    this.#pending += 1;
  }

  add(node: TreeNode): void {
    if (this.#nodes.has(node.name))
      throw new HoldfastError('FAILED', `the source gave two entries named ${this.path}/${node.name}`);
    this.#nodes.set(node.name, encodeNode(node));
    this.drop();
  }

  /** The announced child will not come. */
  drop(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#store();
  }

  /** No more children will be announced. */
  close(onStored: (id: string) => void = () => {}): void {
    this.#onStored = onStored;
    this.drop();
  }

  #store(): void {
    const sorted = [...this.#nodes].sort(([a], [b]) => compareNames(a, b));
    this.#nodes.clear();
    this.#storeTree(encodeTree(sorted.map(([, json]) => json)), this.#existed, (subtree) => {
      this.#onStored(subtree);
      this.#parent?.add({ name: this.#name, type: 'dir', meta: this.#meta, subtree });
    });
  }
}
