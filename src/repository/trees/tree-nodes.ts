// The nodes of a tree blob one after the other: that of a folder with a large table in it names millions of blobs.
import { bufferOf } from '#lib/buffer-of.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { readIds } from '../packs/blob-ids.ts';
import { decodeNode, decodeTree, isRecord, parseTreeJson, type TreeNode } from './tree.ts';
import { largeTreeBytes } from './tree-parts.ts';

/** The ids of larger nodes are packed. */
const largeNodeBytes = 64 * 1024;

/**
 * All nodes of a tree blob for which so many bytes are stored, with the ids of large files packed. REPOSITORY_DAMAGED when it is no
 * tree, or more of one than any folder packed so small.
 */
export const readTree = (bytes: Uint8Array, id: string, storedBytes: number): TreeNode[] => [
  ...eachNode(bytes, id, storedBytes),
];

/**
 * All nodes, as `decodeTree` has them, of a large tree with no more than one in memory at a time. REPOSITORY_DAMAGED when it is no tree, which may
 * be noticed after some nodes were given.
 */
export function* eachNode(
  bytes: Uint8Array,
  id: string,
  storedBytes: number,
  atOnceBytes = largeTreeBytes,
): Generator<TreeNode> {
  const tree = bufferOf(bytes);
  if (tree.length <= atOnceBytes) return yield* decodeTree(bytes, id);
  const budget = new Budget(storedBytes);
  if (tree.toString('latin1', 0, start.length) !== start) {
    if (!budget.has(tree.length)) throw tooMuch(id, storedBytes);
    return yield* decodeTree(bytes, id);
  }
  for (const json of objectsOf(tree, start.length - 1, id)) {
    try {
      budget.nodes -= 1;
      yield packedNode(json, budget) ?? decodeNode(parseTreeJson(budget.take(json).toString()));
    } catch (cause) {
      throw cause instanceof Spent ? tooMuch(id, storedBytes) : damaged(id, messageOf(cause), cause);
    }
  }
}

class Spent extends Error {}

/**
 * What a tree may become in memory besides the ids of blobs. Folders in which all is alike but numbers in names, as cameras give them,
 * take a byte or two for each file when they are packed, the five-hundredth part of their JSON.
 */
class Budget {
  nodes: number;
  #bytes: number;

  constructor(storedBytes: number) {
    this.nodes = 65_536 + 4 * storedBytes;
    this.#bytes = 32 * 1024 * 1024 + 1024 * storedBytes;
  }

  has(bytes: number): boolean {
    return bytes <= this.#bytes && this.nodes >= 0;
  }

  /** The JSON, which is going to be parsed. */
  take<Json extends { readonly length: number }>(json: Json): Json {
    if (!this.has(json.length)) throw new Spent();
    this.#bytes -= json.length;
    return json;
  }
}

const tooMuch = (id: string, storedBytes: number): HoldfastError =>
  damaged(id, `its ${storedBytes} bytes become a larger folder than any program packs so small`);

/** The node of a file with many blobs; undefined for others, and where their list is not as restic and we write it. */
const packedNode = (json: Buffer, budget: Budget): TreeNode | undefined => {
  if (json.length <= largeNodeBytes) return undefined;
  const key = json.indexOf('"content":[');
  const list = key + '"content":'.length;
  const read = key < 0 ? undefined : readIds(json, list + 1);
  if (!read) return undefined;
  budget.take({ length: json.length - (read.end - list) });
  // Only what stands as the node's own content in the place of the list shows that the list was that.
  const node = parseTreeJson(`${json.toString('utf8', 0, list)}true${json.toString('utf8', read.end + 1)}`);
  return isRecord(node) && node.content === true ? { ...decodeNode(node), content: read.ids } : undefined;
};

/** As restic and we write it; of a tree that begins otherwise nothing is assumed. */
const start = '{"nodes":[{';
/** What may follow the last node. */
const end = /^\]\}\s*$/;
const longestEnd = 16;

const [quote, backslash, comma, openBrace, closeBrace, openBracket, closeBracket] = Buffer.from('"\\,{}[]');

/** The JSON of each object of the list, the first of which begins there. */
function* objectsOf(tree: Buffer, from: number, id: string): Generator<Buffer> {
  for (let at = from; ; at += 1) {
    const after = tree[at] === openBrace ? endOfObject(tree, at) : -1;
    if (after < 0) throw damaged(id, 'it is cut short, or has something else among its nodes');
    yield tree.subarray(at, after);
    at = after;
    if (tree[at] === comma) continue;
    if (tree.length - at <= longestEnd && end.test(tree.toString('latin1', at))) return;
    throw damaged(id, 'its list of nodes does not end');
  }
}

/** Where the object that begins there has ended; -1 when it does not. */
const endOfObject = (tree: Buffer, from: number): number => {
  let depth = 0;
  for (let at = from; at < tree.length; at += 1) {
    const byte = tree[at];
    if (byte === quote) {
      at = endOfString(tree, at);
      if (at < 0) return -1;
    } else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
};

/** The quote that ends the string whose first quote is there; -1 when none does. */
const endOfString = (tree: Buffer, from: number): number => {
  for (
    let at = tree.indexOf(quote as number, from + 1);
    at >= 0;
    at = tree.indexOf(quote as number, at + 1)
  ) {
    let backslashes = 0;
    while (tree[at - 1 - backslashes] === backslash) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
};

const damaged = (id: string, why: string, cause?: unknown): HoldfastError =>
  new HoldfastError('REPOSITORY_DAMAGED', `tree ${id} is damaged: ${why}`, { cause });
