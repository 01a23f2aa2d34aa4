// Every tree below some roots, each once, opened by the workers in batches.
import { throwIfCancelled } from '#lib/clock.ts';
import type { BlobReader } from './blob-reader.ts';
import { decodeTree, type TreeNode } from './tree.ts';

const treesAtOnce = 256;

export interface VisitedTree {
  readonly id: string;
  /** Empty when it could not be read. */
  readonly nodes: readonly TreeNode[];
  readonly error?: unknown;
  /** How many trees have been visited so far. */
  readonly visited: number;
}

export async function* visitTrees(
  reader: BlobReader,
  roots: Iterable<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<VisitedTree> {
  const seen = new Set(roots);
  const waiting = [...seen];
  let visited = 0;
  while (waiting.length > 0) {
    throwIfCancelled(signal);
    for (const [id, bytes] of await reader.fetch(waiting.splice(-treesAtOnce), 'tree')) {
      visited += 1;
      try {
        if (bytes instanceof Error) throw bytes;
        const nodes = decodeTree(bytes, id);
        for (const node of nodes) {
          if (node.type !== 'dir') continue;
          if (!node.subtree) throw new Error(`tree ${id}: the directory ${node.name} has no subtree`);
          if (!seen.has(node.subtree)) waiting.push(node.subtree);
          seen.add(node.subtree);
        }
        yield { id, nodes, visited };
      } catch (error) {
        yield { id, nodes: [], error, visited };
      }
    }
  }
}
