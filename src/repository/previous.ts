// Looking up an earlier snapshot's entries by path: cheap when asked in the order of a dump.
import { hasCode } from '#lib/errors.ts';
import type { Previous } from '#sources/source.ts';
import type { BlobReader } from './blob-reader.ts';
import { loadBlob } from './load-blob.ts';
import { readContent } from './read-content.ts';
import type { Session } from './session.ts';
import { decodeTree, type TreeNode } from './tree.ts';

type Nodes = ReadonlyMap<string, TreeNode>;

/** Directories kept at hand: the chain to the current one, and then some. */
const mostCached = 256;

/**
 * Finds nodes by their path from the root tree; undefined where the snapshot has none. A damaged directory is an error, or,
 * for a backup, which can read everything anew, one with nothing in it.
 */
export const nodeFinder = (
  session: Session,
  tree: string,
  damaged: 'is an error' | 'is empty' = 'is an error',
): ((path: string) => Promise<TreeNode | undefined>) => {
  const cache = new Map<string, Nodes | undefined>();

  const load = (id: string): Promise<Nodes | undefined> =>
    loadNodes(session, id).catch((error: unknown) => {
      if (damaged === 'is an error' || !hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      session.log.warn(`what the last snapshot had there is read anew: ${error.message}`);
      return undefined;
    });

  const directory = async (path: string): Promise<Nodes | undefined> => {
    if (cache.has(path)) return cache.get(path);
    const subtree = path === '' ? tree : (await find(path))?.subtree;
    const nodes = subtree ? await load(subtree) : undefined;
    if (cache.size >= mostCached) cache.delete(cache.keys().next().value as string);
    cache.set(path, nodes);
    return nodes;
  };

  const find = async (path: string): Promise<TreeNode | undefined> => {
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? '' : path.slice(0, slash);
    const nodes = cache.get(parent) ?? (await directory(parent));
    return nodes?.get(path.slice(slash + 1));
  };

  return find;
};

/** The source's view: paths relative to `root`, contents when asked. */
export const previousEntries = (
  session: Session,
  tree: string,
  root: string,
  reader: () => Promise<BlobReader>,
): Previous => {
  const find = nodeFinder(session, tree, 'is empty');
  return {
    async entry(path) {
      const node = await find(path === '' ? root : `${root}/${path}`);
      if (!node) return undefined;
      return {
        type: node.type,
        meta: node.meta,
        async *content() {
          yield* readContent(session, await reader(), node.content ?? []);
        },
      };
    },
  };
};

/** The nodes of a stored tree by name. */
const loadNodes = async (session: Session, id: string): Promise<Nodes> => {
  const nodes = decodeTree(await loadBlob(session, id, 'tree'), id);
  return new Map(nodes.map((node) => [node.name, node]));
};
