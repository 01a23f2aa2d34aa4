// Directories while a snapshot is written: each becomes a tree blob when it is closed and all its files have their blobs.
import { HoldfastError } from '#lib/errors.ts';
import type { EntryMeta } from '#sources/source.ts';
import { isSameNode } from './same-node.ts';
import { compareNames, encodeTree, type TreeNode } from './tree.ts';
import type { TreePart } from './tree-parts.ts';

/** Where directories become tree blobs. */
export interface TreeStore {
  /** Stores a tree blob and tells its id. `existed`: the previous snapshot has a directory of that path. */
  store(tree: readonly TreePart[], existed: boolean, done: (id: string) => void): void;
  /** Told of a directory that is as it was: the tree blob of the previous snapshot is its own. */
  keep(id: string): void;
  /** How many names the previous snapshot has in a directory; undefined when that is not at hand. */
  namesBefore(path: string): number | undefined;
}

export class Directory {
  readonly path: string;
  readonly #name: string;
  readonly #parent: Directory | undefined;
  readonly #trees: TreeStore;
  /** The previous snapshot's node where it is this one's too. */
  readonly #nodes = new Map<string, TreeNode>();
  #meta: EntryMeta;
  #before: TreeNode | undefined;
  #existed = false;
  #changed = false;
  #onStored: (id: string) => void = () => {};
  /** Children that are not nodes yet, and one for the directory being open. */
  #pending = 1;

  constructor(name: string, meta: EntryMeta, parent: Directory | undefined, trees: TreeStore) {
    this.path = parent?.path ? `${parent.path}/${name}` : name;
    this.#name = name;
    this.#meta = meta;
    this.#parent = parent;
    this.#trees = trees;
    parent?.begin();
  }

  /** A directory that was made because an entry lay in it gets its own metadata, and what the previous snapshot has there. */
  describe(meta: EntryMeta, before: TreeNode | undefined): void {
    this.#meta = meta;
    this.#before = before;
    if (before) this.existed();
  }

  /** The previous snapshot has it too, and so all that it lies in. */
  existed(): void {
    if (this.#existed) return;
    this.#existed = true;
    this.#parent?.existed();
  }

  /** Announces a child; `add`, `keep` or `drop` must follow. */
  begin(): void {
    this.#pending += 1;
  }

  /** The announced child; `before` is the node of its path in the previous snapshot. True when it is that. */
  add(node: TreeNode, before?: TreeNode): boolean {
    const same = before !== undefined && isSameNode(before, node);
    if (!same) this.#changed = true;
    this.#put(same ? before : node);
    return same;
  }

  /** The announced child is as the previous snapshot has it. */
  keep(before: TreeNode): void {
    this.#put(before);
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

  #put(node: TreeNode): void {
    if (this.#nodes.has(node.name))
      throw new HoldfastError('FAILED', `the source gave two entries named ${this.path}/${node.name}`);
    this.#nodes.set(node.name, node);
    this.drop();
  }

  #store(): void {
    const kept = this.#treeBefore();
    if (kept === undefined) this.#trees.store(this.#encoded(), this.#existed, (id) => this.#stored(id));
    else {
      this.#trees.keep(kept);
      this.#stored(kept);
    }
    this.#nodes.clear();
  }

  #encoded(): TreePart[] {
    return encodeTree([...this.#nodes.values()].sort((a, b) => compareNames(a.name, b.name)));
  }

  /** The previous snapshot's tree when everything in it is here, and nothing else. */
  #treeBefore(): string | undefined {
    const isSame = !this.#changed && this.#trees.namesBefore(this.path) === this.#nodes.size;
    return isSame ? this.#before?.subtree : undefined;
  }

  #stored(subtree: string): void {
    this.#onStored(subtree);
    this.#parent?.add({ name: this.#name, type: 'dir', meta: this.#meta, subtree }, this.#before);
  }
}
