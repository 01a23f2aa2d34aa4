// A file of rows in layers: a directory in its place holds the rows as they were first stored and, for each backup that found others,
// those that were new and which of the earlier ones were gone.
//
//   0000.rows   the first rows, each a line; 0000.bson where they are BSON documents
//   0001.gone   the rows of 0000.rows that were not there any more, by their numbers, the first of which is 1: one a line
//   0001.rows   the rows that were new
//   0002.gone   the rows that went next, where those of 0001.rows are counted on from the last of 0000.rows
//   0002.rows   …
//
// The file is what all .rows hold, one after the other, without the rows in all .gone. The directory says how long the file is, and
// how much its layers hold together: where one is lost or cut, the rest may well be a file of the same length.
import { HoldfastError } from '#lib/errors.ts';
import { type RowFormat, rowFormats } from '#lib/row-format.ts';
import type { EntryMeta } from '#sources/source.ts';
import { loadNodes } from '../reading/load-blob.ts';
import type { Session } from '../session.ts';
import { compareNames, isLayered, layeredInode, type TreeNode } from '../trees/tree.ts';

/** What one backup added. */
export interface Layer {
  readonly gone: TreeNode | undefined;
  readonly rows: TreeNode;
}

/** All of them, and how their rows lie. */
export interface LayerList {
  readonly format: RowFormat;
  readonly layers: readonly Layer[];
}

export interface Layers extends LayerList {
  /** Of the file, in messages. */
  readonly name: string;
  /** How long the file is. */
  readonly sizeBytes: number;
}

/**
 * The layers that a node stands for: one of a file, whose rows lie as the format says, several of a directory in its place. Undefined
 * for what is no file of such rows. REPOSITORY_DAMAGED.
 */
export const layersOf = async (
  session: Session,
  node: TreeNode,
  format: RowFormat,
): Promise<Layers | undefined> => {
  if (isLayered(node)) {
    const layers = await layersIn(session, node);
    return layers.format === format ? layers : undefined;
  }
  const { name, meta, type } = node;
  if (type !== 'file') return undefined;
  return { name, sizeBytes: meta.size ?? 0, format, layers: [{ gone: undefined, rows: node }] };
};

/** Those of a directory in a file's place. REPOSITORY_DAMAGED. */
export const layersIn = async (session: Session, directory: TreeNode): Promise<Layers> => {
  const { name, meta, subtree } = directory;
  const list = layersAmong(directory, subtree ? await loadNodes(session, subtree) : []);
  return { name, sizeBytes: meta.size ?? 0, ...list };
};

/** The same where its nodes are at hand. */
export const layersAmong = ({ name, meta }: TreeNode, nodes: readonly TreeNode[]): LayerList => {
  const list = layerList(nodes);
  if (list && meta.deviceId === BigInt(bytesOf(list.layers))) return list;
  throw new HoldfastError('REPOSITORY_DAMAGED', lostLayers(name));
};

export const lostLayers = (name: string): string => `not all layers of ${name} are there as they were stored`;

/** Undefined when the nodes are others than those of layers without a gap. */
export const layerList = (nodes: readonly TreeNode[]): LayerList | undefined => {
  for (const format of rowFormats) {
    const layers = layersNamed(format, nodes);
    if (layers) return { format, layers };
  }
  return undefined;
};

const layersNamed = (format: RowFormat, nodes: readonly TreeNode[]): readonly Layer[] | undefined => {
  const files = new Map(nodes.filter(({ type }) => type === 'file').map((node) => [node.name, node]));
  const layers: Layer[] = [];
  for (let at = 0; 2 * at < nodes.length; at += 1) {
    const rows = files.get(layerFile(at, extension[format]));
    const gone = at === 0 ? undefined : files.get(layerFile(at, 'gone'));
    if (rows && (gone || at === 0)) layers.push({ gone, rows });
  }
  return layers.length > 0 && 2 * layers.length - 1 === nodes.length ? layers : undefined;
};

/** How much all files of all layers hold. */
export const bytesOf = (layers: readonly Layer[]): number =>
  layers.reduce((sum, { gone, rows }) => sum + (gone?.meta.size ?? 0) + (rows.meta.size ?? 0), 0);

/** The file, or the directory in its place when its layers have a tree of their own. */
export const nodeOf = (
  { name, meta }: Pick<TreeNode, 'name' | 'meta'>,
  layers: readonly Layer[],
  subtree: string | undefined,
): TreeNode => {
  if (subtree === undefined) return { name, type: 'file', meta, content: layers[0]?.rows.content ?? [] };
  const mark = { inode: layeredInode, deviceId: BigInt(bytesOf(layers)) };
  return { name, type: 'dir', meta: { ...meta, ...mark, mode: searchable(meta.mode ?? 0) }, subtree };
};

/** Whoever may read the file can look into the directory. */
const searchable = (mode: number): number => mode | ((mode & 0o444) >> 2);

/** A node as it is shown: a directory in the place of a file as that file. */
export const asFile = (node: TreeNode): Pick<TreeNode, 'type' | 'meta'> =>
  isLayered(node) ? { type: 'file', meta: withoutMark(node.meta) } : node;

/** The tree of a directory; undefined for a file, also for one in layers. */
export const folderOf = (node: TreeNode | undefined): string | undefined =>
  node && !isLayered(node) ? node.subtree : undefined;

/** The metadata of the file, from that of the directory in its place. */
const withoutMark = ({ inode: _, deviceId: __, mode = 0, ...meta }: EntryMeta): EntryMeta => ({
  ...meta,
  mode: mode & ~0o111,
});

/** All nodes of the directory, in the order of a tree. */
export const nodesOf = ({ format, layers }: LayerList): TreeNode[] =>
  layers
    .flatMap(({ gone, rows }, at) => [
      ...(gone ? [{ ...gone, name: layerFile(at, 'gone') }] : []),
      { ...rows, name: layerFile(at, extension[format]) },
    ])
    .sort((a, b) => compareNames(a.name, b.name));

const extension = { lines: 'rows', bson: 'bson' } as const satisfies Record<RowFormat, string>;

const layerFile = (at: number, what: string): string => `${String(at).padStart(4, '0')}.${what}`;

/** Of all these files, one after the other. */
export function* idsOf(nodes: readonly TreeNode[]): Generator<string> {
  for (const { content } of nodes) yield* content ?? [];
}

/** Those of them from one to before another, or to the end. */
export function* idsWithin(nodes: readonly TreeNode[], from: number, to = Infinity): Generator<string> {
  let before = 0;
  for (const { content = [] } of nodes) {
    if (before >= to) return;
    yield* content.slice(Math.max(0, from - before), Math.max(0, to - before));
    before += content.length;
  }
}
