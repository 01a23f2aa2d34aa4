// Builders for the tests of repositories: one that opens in no time, and entries made from plain values.
import { hash } from 'node:crypto';
import { encodeName } from '#lib/file-name.ts';
import type { Content, Entry, EntryMeta } from '#sources/source.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { createConfig } from './config.ts';
import type {
  CheckReport,
  ReadOptions,
  Repository,
  Snapshot,
  WriteOptions,
  WriteReport,
} from './contract.ts';
import { type PackEntry, packKey } from './packs/blob.ts';
import { saveIndex } from './packs/index-file.ts';
import { PackBuilder } from './packs/pack-builder.ts';
import { decodeHeader, HeaderWriter } from './packs/pack-format.ts';
import { type OpenOptions, openRepository } from './repository.ts';
import { addKey, newMasterKey, openKeys } from './sealing/key.ts';
import { Sealer, type SealKey } from './sealing/seal.ts';
import { listIds } from './sealing/unpacked.ts';
import { encodeTree, type TreeNode } from './trees/tree.ts';
import { joined } from './trees/tree-parts.ts';

export const testPassword = 'secret';
const quickCost = { N: 16, r: 1, p: 1 };

export interface TestRepository {
  readonly store: Store;
  readonly key: SealKey;
  /** Opens it, without a lock unless told; the caller closes it. */
  open(options?: Partial<OpenOptions>): Promise<Repository>;
  /** Opens it, writes one snapshot of the source «test», and closes it. */
  write(entries: AsyncIterable<Entry>, options?: Partial<WriteOptions>): Promise<WriteReport>;
  /** Opens it, checks it, every byte unless told, and closes it. */
  check(readData?: number): Promise<CheckReport>;
}

/** A new repository in a store, in memory unless told, whose password costs next to nothing to try. */
export const testRepository = async (
  store: Store = memoryStore(),
  password = testPassword,
): Promise<TestRepository> => {
  const key = newMasterKey();
  await addKey(store, password, key, new Date(0), quickCost);
  await createConfig(store, new Sealer(key));
  return openTestRepository(store, key, password);
};

/** The same for a repository that is there: `key` is its master key, for tests that make objects themselves. */
export const openTestRepository = (store: Store, key: SealKey, password = testPassword): TestRepository => {
  const open = (options: Partial<OpenOptions> = {}): Promise<Repository> =>
    openRepository(store, password, { lock: 'none', signal: neverFires, ...options });
  return {
    store,
    key,
    open,
    async write(entries, options) {
      await using repository = await open();
      return await repository.write(entries, writeOptions(options));
    },
    async check(readData = 1) {
      await using repository = await open();
      return await repository.check({ readData, signal: neverFires });
    },
  };
};

/** Everything a write must be told, as a test likes it. */
export const writeOptions = (options: Partial<WriteOptions> = {}): WriteOptions => ({
  root: 'test',
  tags: ['source:test'],
  time: new Date('2026-11-21T03:00:00Z'),
  concurrency: 1,
  signal: neverFires,
  ...options,
});

export const neverFires = new AbortController().signal;

/** A file's content, a function that gives it, or parts of an entry that has none. */
export type MemoryEntry = string | Uint8Array | (() => Content) | Partial<Entry>;

/** Entries in the order of a dump. A path that ends in '/' is a directory, a content that begins with '->' a symlink's target. */
export async function* memoryEntries(tree: Readonly<Record<string, MemoryEntry>>): AsyncGenerator<Entry> {
  const segments = (path: string): string[] => path.replace(/\/$/, '').split('/');
  const paths = Object.keys(tree).sort((a, b) => comparePaths(segments(a), segments(b)));
  for (const path of paths) yield entryOf(path, tree[path] as MemoryEntry);
}

/** A file of that content; the content is handed over in pieces that are overwritten afterwards, as a source may do. */
export const fileEntry = (path: string, content: Uint8Array, meta: EntryMeta = {}): Entry => ({
  path,
  type: 'file',
  meta: { size: content.length, ...meta },
  content: () => inPieces(content),
});

/** Every file's bytes by its path, read and verified. */
export const readFiles = async (
  repository: Repository,
  snapshot: Snapshot,
  options: ReadOptions = {},
): Promise<Map<string, Buffer>> => {
  const files = new Map<string, Buffer>();
  for await (const { path, content } of repository.read(snapshot, options)) {
    if (!content) continue;
    const pieces: Buffer[] = [];
    for await (const piece of content()) pieces.push(Buffer.from(piece));
    files.set(path, Buffer.concat(pieces));
  }
  return files;
};

/** A pack header's plaintext. */
export const encodeHeader = (entries: readonly PackEntry[]): Buffer => {
  const header = new HeaderWriter();
  for (const entry of entries) header.add(entry);
  return Buffer.from(header.finish());
};

/** Stores trees as they are given, as whoever has the password can; returns what `make` does. */
export const putTrees = async <Made>(
  { store, key }: TestRepository,
  make: (put: (nodes: readonly TreeNode[]) => string) => Made,
): Promise<Made> => {
  const sealer = new Sealer(key);
  const trees = new PackBuilder({ sealer, type: 'tree', level: 3, verify: false });
  const made = make((nodes) => {
    const bytes = joined(encodeTree(nodes));
    const id = hash('sha256', bytes);
    trees.add(id, bytes);
    return id;
  });
  const { id, header, bytes } = trees.finish();
  await store.put(packKey(id), bytes);
  await saveIndex(store, sealer, [{ id, entries: decodeHeader(header) }]);
  return made;
};

/** Stores one data blob of any size in a pack of its own, as other programs may cut it; returns the tree of a folder with that file. */
export const putBlob = async (
  repository: TestRepository,
  name: string,
  plain: Uint8Array,
): Promise<string> => {
  const { store, key } = repository;
  const sealer = new Sealer(key);
  const data = new PackBuilder({ sealer, type: 'data', level: 3, verify: true });
  const blob = hash('sha256', plain);
  data.add(blob, plain);
  const { id, header, bytes } = data.finish();
  await store.put(packKey(id), bytes);
  await saveIndex(store, sealer, [{ id, entries: decodeHeader(header) }]);
  return await putTrees(repository, (put) => put([{ name, type: 'file', meta: {}, content: [blob] }]));
};

/** The first master key that the password opens. */
export const findKey = async (store: Store, password: string): Promise<{ id: string; master: SealKey }> => {
  for await (const found of openKeys(store, password, await listIds(store, 'keys'))) return found;
  throw new Error('no key opens');
};

/** Puts a key that is quick to try in the place of the one that the password opens. */
export const hastenKeyIn = async (store: Store, password = testPassword): Promise<void> => {
  const { id, master } = await findKey(store, password);
  await addKey(store, password, master, new Date(), quickCost);
  await store.delete(`keys/${id}`);
};

/** The keys of a store's objects, sorted. */
export const keysOf = async (store: Store, prefix = ''): Promise<string[]> =>
  (await Array.fromAsync(store.list(prefix), ({ key }) => key)).toSorted();

/** The bytes of all objects whose keys begin so. */
export const storedBytes = async (store: Store, prefix = ''): Promise<number> =>
  (await Array.fromAsync(store.list(prefix), ({ size }) => size)).reduce((sum, size) => sum + size, 0);

const entryOf = (path: string, value: MemoryEntry): Entry => {
  if (path.endsWith('/')) return { path: path.slice(0, -1), type: 'dir', meta: {}, ...(value as object) };
  if (typeof value === 'string' && value.startsWith('->'))
    return { path, type: 'symlink', meta: { linkTarget: value.slice(2) } };
  if (typeof value === 'string') return fileEntry(path, Buffer.from(value));
  if (value instanceof Uint8Array) return fileEntry(path, value);
  if (typeof value === 'function') return { path, type: 'file', meta: {}, content: value };
  return { path, type: 'file', meta: {}, ...value };
};

const pieceBytes = 300_000;

function* inPieces(content: Uint8Array): Generator<Uint8Array> {
  if (content.length <= pieceBytes) {
    if (content.length > 0) yield content;
    return;
  }
  const piece = new Uint8Array(pieceBytes);
  for (let at = 0; at < content.length; at += pieceBytes) {
    const part = content.subarray(at, at + pieceBytes);
    piece.set(part);
    yield piece.subarray(0, part.length);
    piece.fill(0xee);
  }
}

const comparePaths = (a: readonly string[], b: readonly string[]): number => {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = Buffer.compare(encodeName(a[at] as string), encodeName(b[at] as string));
    if (order !== 0) return order;
  }
  return a.length - b.length;
};
