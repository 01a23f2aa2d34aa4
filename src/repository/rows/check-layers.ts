// Are the layers of tables those that were stored? Trees come in any order, each once, and several directories may name the same.
import { isLayered, type TreeNode } from '../trees/tree.ts';
import { bytesOf, layerList } from './layers.ts';

export class LayerChecks {
  /** Directories whose trees have not come. */
  readonly #waiting = new Map<string, TreeNode[]>();
  /** How much the layers of those that came hold, as `deviceId` says it; undefined when they are no layers. */
  readonly #came = new Map<string, bigint | undefined>();

  /** Takes a tree, and gives the directories whose layers are not those that they had. */
  *add(
    id: string,
    nodes: readonly TreeNode[],
  ): Generator<{ readonly file: TreeNode; readonly tree: string }> {
    const waiting = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    if (waiting.length > 0) this.#came.set(id, bytesIn(nodes));
    for (const file of waiting) if (!this.#fits(file, id)) yield { file, tree: id };
    for (const file of nodes) {
      const tree = isLayered(file) ? file.subtree : undefined;
      if (tree === undefined) continue;
      if (!this.#came.has(tree)) this.#waiting.set(tree, [...(this.#waiting.get(tree) ?? []), file]);
      else if (!this.#fits(file, tree)) yield { file, tree };
    }
  }

  #fits({ meta }: TreeNode, tree: string): boolean {
    return meta.deviceId === this.#came.get(tree);
  }
}

const bytesIn = (nodes: readonly TreeNode[]): bigint | undefined => {
  const list = layerList(nodes);
  return list && BigInt(bytesOf(list.layers));
};
