// Looking up an earlier snapshot's entries by path: cheap when asked in the order of a dump.
import { hasCode } from '#lib/errors.ts';
import type { Previous, PreviousEntry } from '#sources/source.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import { loadNodes } from '../reading/load-blob.ts';
import { readContent } from '../reading/read-content.ts';
import { asFile, folderOf } from '../rows/layers.ts';
import { readInLayers } from '../rows/read-layers.ts';
import type { Session } from '../session.ts';
import { isLayered, type TreeNode } from './tree.ts';

type Nodes = ReadonlyMap<string, TreeNode>;

/** Directories kept at hand beside the chain to the current one. Of few, nearly all are garbage before they have become old. */
const mostBeside = 8;

/** An earlier snapshot's nodes by their path; directories are loaded when they are asked for. */
export class EarlierNodes {
  readonly #session: Session;
  readonly #tree: string;
  readonly #damaged: 'is an error' | 'is empty';
  readonly #directories = new Map<string, Nodes | undefined>();

  /** `damaged`: what a damaged directory counts as; a backup can read everything anew. */
  constructor(session: Session, tree: string, damaged: 'is an error' | 'is empty' = 'is an error') {
    this.#session = session;
    this.#tree = tree;
    this.#damaged = damaged;
  }

  /** Undefined where the snapshot has none. Only where a directory has to be loaded there is a promise to wait for. */
  find(path: string): TreeNode | undefined | Promise<TreeNode | undefined> {
    const parent = parentOf(path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const nodes = this.#directories.get(parent);
    return nodes ? nodes.get(name) : this.#directory(parent).then((loaded) => loaded?.get(name));
  }

  /** How many names a directory had; undefined when it is not at hand. */
  countIn(path: string): number | undefined {
    return this.#directories.get(path)?.size;
  }

  async #directory(path: string): Promise<Nodes | undefined> {
    if (this.#directories.has(path)) return this.#directories.get(path);
    const subtree = path === '' ? this.#tree : folderOf(await this.find(path));
    const nodes = subtree ? await this.#load(subtree) : undefined;
    this.#directories.set(path, nodes);
    this.#forgetOldest(path);
    return nodes;
  }

  /** What lies in a directory with many others must not push it out. */
  #forgetOldest(current: string): void {
    let most = mostBeside;
    for (let path = current; path !== ''; most += 1) {
      path = parentOf(path);
      if (!this.#directories.has(path)) continue;
      const nodes = this.#directories.get(path);
      this.#directories.delete(path);
      this.#directories.set(path, nodes);
    }
    for (const path of this.#directories.keys()) {
      if (this.#directories.size <= most) break;
      this.#directories.delete(path);
    }
  }

  async #load(id: string): Promise<Nodes | undefined> {
    try {
      const nodes = await loadNodes(this.#session, id);
      return new Map(nodes.map((node) => [node.name, node]));
    } catch (error) {
      if (this.#damaged === 'is an error' || !hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      this.#session.log.warn(`what the last snapshot had there is read anew: ${error.message}`);
      return undefined;
    }
  }
}

/** '' for what lies at the top. */
export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** The source's view: paths relative to `root`, contents when asked. */
export const previousEntries = (
  session: Session,
  earlier: EarlierNodes,
  root: string,
  reader: () => Promise<BlobReader>,
): Pick<Previous, 'entry'> => {
  async function* read(ids: Iterable<string>): AsyncGenerator<Uint8Array> {
    yield* readContent(session, await reader(), ids);
  }
  async function* readRows(node: TreeNode): AsyncGenerator<Uint8Array> {
    yield* readInLayers({ session, reader: await reader() }, node);
  }
  const entryOf = (node: TreeNode | undefined): PreviousEntry | undefined => {
    if (!node) return undefined;
    const { type, meta } = asFile(node);
    return { type, meta, content: () => (isLayered(node) ? readRows(node) : read(node.content ?? [])) };
  };
  return {
    entry(path) {
      const node = earlier.find(path === '' ? root : `${root}/${path}`);
      return node instanceof Promise ? node.then(entryOf) : entryOf(node);
    },
  };
};
