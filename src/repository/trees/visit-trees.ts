// Every tree below some roots, each once, opened by the workers in batches.
import { throwIfCancelled } from '#lib/clock.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import { discardLarge } from '../sealing/compression.ts';
import type { TreeNode } from './tree.ts';
import { readTree } from './tree-nodes.ts';

/** So many trees are opened together, unless they are larger than that together. */
const treesAtOnce = 256;
const bytesAtOnce = 16 * 1024 * 1024;

export interface VisitedTree {
  readonly id: string;
  /** Empty when it could not be read. */
  readonly nodes: readonly TreeNode[];
  readonly error?: unknown;
  /** How many trees have been visited so far. */
  readonly visited: number;
}

/** Each tree with its nodes. */
export async function* visitTrees(
  reader: BlobReader,
  roots: Iterable<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<VisitedTree> {
  let nodes: readonly TreeNode[] = [];
  const read = (bytes: Uint8Array, id: string, storedBytes: number): string[] => {
    nodes = readTree(bytes, id, storedBytes);
    discardLarge(bytes);
    return nodes.flatMap((node) => subtreeOf(node, id));
  };
  for await (const { id, error, visited } of eachTree({ reader, roots, read, signal }))
    yield error ? { id, nodes: [], error, visited } : { id, nodes, visited };
}

export interface TreeVisit {
  readonly reader: BlobReader;
  readonly roots: Iterable<string>;
  /** Looks at a tree, for which so many bytes are stored, and returns its subtrees. */
  read(bytes: Uint8Array, id: string, storedBytes: number): Iterable<string>;
  readonly signal: AbortSignal | undefined;
}

/** Each tree as soon as it was read; `error` says why it could not be. */
export async function* eachTree(visit: TreeVisit): AsyncGenerator<Omit<VisitedTree, 'nodes'>> {
  const { reader, roots, read, signal } = visit;
  const seen = new Set(roots);
  const waiting = [...seen];
  let visited = 0;
  while (waiting.length > 0) {
    throwIfCancelled(signal);
    for (const [id, bytes] of await reader.fetch(nextBatch(waiting, reader), 'tree')) {
      visited += 1;
      try {
        if (bytes instanceof Error) throw bytes;
        for (const subtree of read(bytes, id, reader.storedSizeOf(id, 'tree'))) {
          if (!seen.has(subtree)) waiting.push(subtree);
          seen.add(subtree);
        }
      } catch (error) {
        yield { id, error, visited };
        continue;
      }
      yield { id, visited };
    }
  }
}

/** Takes the last ones away from those that wait: at least one. */
const nextBatch = (waiting: string[], reader: BlobReader): string[] => {
  const batch: string[] = [];
  for (let bytes = 0; batch.length < treesAtOnce && bytes < bytesAtOnce; ) {
    const id = waiting.pop();
    if (id === undefined) break;
    batch.push(id);
    bytes += reader.sizeOf(id, 'tree');
  }
  return batch;
};

/** The tree of a directory; none for other nodes. */
export const subtreeOf = ({ type, name, subtree }: TreeNode, id: string): readonly string[] => {
  if (type !== 'dir') return [];
  if (!subtree) throw new Error(`tree ${id}: the directory ${name} has no subtree`);
  return [subtree];
};
