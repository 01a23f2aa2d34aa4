// Trees: a directory as restic keeps it, a JSON blob with one node a name. Source: restic's design document, «Trees and Data».
import { bufferOf } from '#lib/buffer-of.ts';
import { HoldfastError } from '#lib/errors.ts';
import { decodeName, encodeName } from '#lib/file-name.ts';
import type { EntryMeta, EntryType } from '#sources/source.ts';
import { isId } from '../packs/blob.ts';
import { type BlobIds, packIds } from '../packs/blob-ids.ts';
import { goQuote, goUnquote } from './go-quote.ts';
import { formatTime, parseTime } from './time.ts';
import { joined, largeTreeBytes, lengthOf, type TreePart } from './tree-parts.ts';

export interface TreeNode {
  readonly name: string;
  readonly type: EntryType;
  readonly meta: EntryMeta;
  /** What restic keeps of files of other systems (Windows' security descriptors), as it is. */
  readonly genericAttributes?: Record<string, unknown>;
  /** Blob ids of a file's content. */
  readonly content?: BlobIds;
  /** Blob id of a directory's tree. */
  readonly subtree?: string;
}

/** The inode number of a directory in the place of a file of rows (rows/layers.ts), which also has that file's size: no other has. */
export const layeredInode = 0x726f7773n; // 'rows'

/** Whether a node stands for a file in layers. */
export const isLayered = ({ type, meta }: TreeNode): boolean =>
  type === 'dir' && meta.inode === layeredInode && (meta.size ?? 0) > 0;

/** The JSON of one node. Fields stand in restic's order, so that equal directories are equal blobs. */
export const encodeNode = (node: TreeNode): string =>
  node.content
    ? `${beforeIds(node)}${node.content.length === 0 ? '' : `"${node.content.join('","')}"`}${afterIds(node)}`
    : `${encodeFields(node)},"content":null${encodeSubtree(node)}}`;

/** The JSON of a node up to the first id of its content, and from the end of the last. */
const beforeIds = (node: TreeNode): string => `${encodeFields(node)},"content":[`;
const afterIds = (node: TreeNode): string => `]${encodeSubtree(node)}}`;

const encodeSubtree = ({ subtree }: TreeNode): string => (subtree ? `,"subtree":"${subtree}"` : '');

const encodeFields = (node: TreeNode): string => {
  const { meta } = node;
  const mtime = formatTime(meta.mtime ?? 0n);
  let json = `{"name":${jsonString(goQuote(node.name))},"type":"${node.type}"`;
  const mode = goMode(node.type, meta.mode ?? 0);
  if (mode !== 0) json += `,"mode":${mode}`;
  json += `,"mtime":"${mtime}","atime":"${meta.atime === undefined ? mtime : formatTime(meta.atime)}"`;
  json += `,"ctime":"${meta.ctime === undefined ? mtime : formatTime(meta.ctime)}"`;
  json += `,"uid":${meta.uid ?? 0},"gid":${meta.gid ?? 0}`;
  if (meta.user) json += `,"user":${jsonString(meta.user)}`;
  if (meta.group) json += `,"group":${jsonString(meta.group)}`;
  if (meta.inode) json += `,"inode":${meta.inode}`;
  if (meta.deviceId) json += `,"device_id":${meta.deviceId}`;
  if (meta.size && (node.type === 'file' || isLayered(node))) json += `,"size":${meta.size}`;
  if (meta.links) json += `,"links":${meta.links}`;
  if (meta.linkTarget !== undefined) json += encodeLinkTarget(meta.linkTarget);
  if (meta.xattrs?.length) json += `,"extended_attributes":${encodeXattrs(meta.xattrs)}`;
  if (node.genericAttributes) json += `,"generic_attributes":${encodeAttributes(node.genericAttributes)}`;
  if (meta.device) json += `,"device":${meta.device}`;
  return json;
};

/** The ids of more blobs are never made one string, whose length has a limit. */
const manyBlobs = 1024;

/** The tree blob of nodes that are sorted by the bytes of their names: one part, unless it is large. All are in memory of their own. */
export const encodeTree = (nodes: readonly TreeNode[]): TreePart[] => {
  const parts: TreePart[] = [];
  let text = '{"nodes":[';
  for (const [at, node] of nodes.entries()) {
    if (at > 0) text += ',';
    if (node.content && node.content.length > manyBlobs) {
      parts.push(jsonPart(text + beforeIds(node)), { kind: 'ids', bytes: packIds(node.content) });
      text = afterIds(node);
    } else text += encodeNode(node);
  }
  parts.push(jsonPart(`${text}]}\n`));
  return parts.length === 1 || lengthOf(parts) > largeTreeBytes
    ? parts
    : [{ kind: 'json', bytes: joined(parts) }];
};

const jsonPart = (text: string): TreePart => {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return { kind: 'json', bytes };
};

/** Orders names by their bytes, as restic demands of a tree. */
export const compareNames = (a: string, b: string): number => {
  if (beyondSurrogates.test(a) || beyondSurrogates.test(b))
    return Buffer.compare(encodeName(a), encodeName(b));
  return a < b ? -1 : a > b ? 1 : 0; // below U+D800 the order of UTF-16 is the order of UTF-8
};
const beyondSurrogates = /[\ud800-\uffff]/;

/** The nodes of a tree blob; throws REPOSITORY_DAMAGED when it is no tree. */
export const decodeTree = (bytes: Uint8Array, id: string): TreeNode[] => {
  try {
    const tree: unknown = parseTreeJson(bufferOf(bytes).toString('utf8'));
    const nodes = isRecord(tree) ? (tree.nodes ?? []) : undefined;
    if (!Array.isArray(nodes)) throw new Error('it has no list of nodes');
    return nodes.map(decodeNode);
  } catch (cause) {
    throw new HoldfastError('REPOSITORY_DAMAGED', `tree ${id} is damaged: ${(cause as Error).message}`, {
      cause,
    });
  }
};

const types = new Set<string>([
  'dir',
  'file',
  'symlink',
  'fifo',
  'socket',
  'chardev',
  'dev',
  'irregular',
] satisfies EntryType[]);

/** One node of a tree's list; throws when it is none. */
export const decodeNode = (raw: unknown): TreeNode => {
  if (!isRecord(raw) || typeof raw.name !== 'string' || raw.name === '')
    throw new Error('a node has no name');
  if (typeof raw.type !== 'string' || !types.has(raw.type))
    throw new Error(`node ${raw.name} has an unknown type`);
  const type = raw.type as EntryType;
  const content = Array.isArray(raw.content) ? (raw.content as string[]) : type === 'file' ? [] : undefined;
  if (!(content ?? []).every(isBlobId))
    throw new Error(`node ${raw.name} has a content that is no list of ids`);
  if (raw.subtree && !isBlobId(raw.subtree)) throw new Error(`node ${raw.name} has a subtree that is no id`);
  const attributes = raw.generic_attributes;
  const plain = { name: goUnquote(raw.name), type, meta: decodeMeta(raw) };
  const node = isRecord(attributes) ? { ...plain, genericAttributes: attributes } : plain;
  if (typeof raw.subtree === 'string') return { ...node, ...(content && { content }), subtree: raw.subtree };
  return content ? { ...node, content } : node;
};

const isBlobId = (value: unknown): boolean => typeof value === 'string' && isId(value);

const decodeMeta = (raw: Record<string, unknown>): EntryMeta => {
  // One object, filled: every file of the previous snapshot is decoded in a backup that finds nothing changed.
  const meta: { -readonly [Key in keyof EntryMeta]: EntryMeta[Key] } = {
    mode: unixMode(count(raw.mode)),
    mtime: time(raw.mtime),
    atime: time(raw.atime),
    ctime: time(raw.ctime),
    uid: count(raw.uid),
    gid: count(raw.gid),
    size: count(raw.size),
    links: count(raw.links),
    inode: big(raw.inode),
    deviceId: big(raw.device_id),
  };
  if (typeof raw.user === 'string') meta.user = raw.user;
  if (typeof raw.group === 'string') meta.group = raw.group;
  if (raw.device !== undefined) meta.device = big(raw.device);
  if (typeof raw.linktarget === 'string')
    meta.linkTarget = decodeLinkTarget(raw.linktarget, raw.linktarget_raw);
  if (Array.isArray(raw.extended_attributes)) meta.xattrs = raw.extended_attributes.map(decodeXattr);
  return meta;
};

const time = (value: unknown): bigint => (typeof value === 'string' ? parseTime(value) : 0n);
const count = (value: unknown): number =>
  typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : 0;
const big = (value: unknown): bigint =>
  typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : 0n;

// Go's os.FileMode keeps the type and the special bits above the nine permission bits.
const typeBits: Record<EntryType, number> = {
  file: 0,
  dir: 2 ** 31,
  symlink: 2 ** 27,
  dev: 2 ** 26,
  chardev: 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  irregular: 2 ** 19,
};
const specialBits: readonly (readonly [unix: number, go: number])[] = [
  [0o4000, 2 ** 23],
  [0o2000, 2 ** 22],
  [0o1000, 2 ** 20],
];

const goMode = (type: EntryType, mode: number): number =>
  typeBits[type] + (mode & 0o777) + specialBits.reduce((sum, [unix, go]) => sum + (mode & unix ? go : 0), 0);

const unixMode = (mode: number): number => {
  let unixBits = mode & 0o777;
  for (const [unix, go] of specialBits) if (mode & go) unixBits += unix;
  return unixBits;
};

// A target that is not UTF-8 stands a second time, as its bytes in base64.
const encodeLinkTarget = (target: string): string =>
  target.isWellFormed()
    ? `,"linktarget":${jsonString(target)}`
    : `,"linktarget":${jsonString(target.toWellFormed())},"linktarget_raw":"${encodeName(target).toString('base64')}"`;

const decodeLinkTarget = (target: string, raw: unknown): string =>
  typeof raw === 'string' ? decodeName(Buffer.from(raw, 'base64')) : target;

const encodeXattrs = (xattrs: NonNullable<EntryMeta['xattrs']>): string =>
  `[${xattrs
    .map(
      ({ name, value }) => `{"name":${jsonString(name)},"value":"${Buffer.from(value).toString('base64')}"}`,
    )
    .join(',')}]`;

const decodeXattr = (raw: unknown): { name: string; value: Uint8Array } => {
  if (!isRecord(raw) || typeof raw.name !== 'string') throw new Error('an extended attribute has no name');
  return { name: raw.name, value: Buffer.from(typeof raw.value === 'string' ? raw.value : '', 'base64') };
};

/** TypeScript does not know it yet. */
const { rawJSON } = JSON as unknown as { rawJSON(json: string): unknown };

/** Numbers too large for JavaScript were read as bigints. */
const encodeAttributes = (attributes: Record<string, unknown>): string =>
  goEscaped(
    JSON.stringify(attributes, (_key, value: unknown) =>
      typeof value === 'bigint' ? rawJSON(String(value)) : value,
    ),
  );

const needsEscape = /[^\x20\x21\x23-\x25\x27-\x3b\x3d\x3f-\x5b\x5d-\u2027\u202a-\ud7ff\ue000-\uffff]/;

/** A JSON string as Go's encoder writes it, which also escapes < > & and the line separators. */
const jsonString = (text: string): string => {
  if (!needsEscape.test(text)) return `"${text}"`;
  return goEscaped(JSON.stringify(text));
};

const goEscaped = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Whether JSON has an object there, or a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const longNumber = /":\d{16,}[,}]/;

/** JSON.parse that keeps the 64-bit inode and device numbers exact. */
export const parseTreeJson = (text: string): unknown => {
  if (!longNumber.test(text)) return JSON.parse(text);
  const exact = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    context?.source &&
    /^\d+$/.test(context.source)
      ? BigInt(context.source)
      : value;
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
};
