// The contract of every place that keeps bytes.
import type { HoldfastError } from '#lib/errors.ts';
import type { Kind } from '#lib/kind.ts';

/**
 * A flat space of whole, immutable objects that each fit in memory. Keys are '/'-separated, without a leading slash
 * ('data/ab/ab12…'). Errors: STORE_UNREACHABLE (worth a retry), STORE_DENIED, STORE_FULL, OBJECT_MISSING (get of an absent key).
 */
export interface Store extends AsyncDisposable {
  /** How many calls it likes at once. */
  readonly connections: number;
  /** Where it is, for messages, without secrets: '/srv/backups', 'sftp://backup@vault/srv/holdfast'. */
  readonly location: string;
  /** All or nothing and durable when it resolves; repeating it with the same bytes is harmless. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The object, or exactly the range asked for: never short. A range beyond the end is an OBJECT_MISSING error that says so. */
  get(key: string, range?: ByteRange): Promise<Uint8Array>;
  /** Every object whose key begins with the prefix, in no order. A prefix with nothing below it lists nothing. */
  list(prefix: string, options?: ListOptions): AsyncIterable<StoredObject>;
  /** An absent key is fine. */
  delete(key: string): Promise<void>;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface ListOptions {
  /**
   * For those who want what can be listed: told of each folder, or what a link leads to, that may not be read, which is then left out. Without it,
   * a listing ends there with an error: what it leaves out would count as not there.
   */
  onUnreadable?(key: string, error: HoldfastError): void;
}

export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** When it was last written, where the store tells with its listing. */
  readonly modified?: Date;
}

export type StoreKind<Config> = Kind<Config, Store>;

/**
 * An ability some stores have: files of the store lie under a local folder, and worker threads may write them there directly
 * (temporary name, fsync, rename). Asked for by presence.
 */
export interface LocalFolder {
  readonly localFolder: string;
}

export const localFolderOf = (store: Store): string | undefined =>
  'localFolder' in store && typeof store.localFolder === 'string' ? store.localFolder : undefined;

/** An ability of stores that hold objects against deletion for a while: begins that while anew for an object still in use. Asked for by presence. */
export interface Retention {
  retain(key: string): Promise<void>;
}

export const retentionOf = (store: Store): Retention | undefined =>
  'retain' in store && typeof store.retain === 'function' ? (store as Store & Retention) : undefined;

/** An ability of stores whose keys are paths of files: what is emptied leaves folders behind, and what is interrupted, files. Asked for by presence. */
export interface Folders {
  /** Removes the files that interrupted puts left below the prefix; for those who know that nobody puts anything there now. Returns their bytes. */
  removeLeftovers(prefix: string): Promise<number>;
  /** Removes this folder ('a/b/') and those in it, as far as nothing is in them. */
  removeEmptyFolders(folder: string): Promise<void>;
}

export const foldersOf = (store: Store): Folders | undefined =>
  'removeEmptyFolders' in store && typeof store.removeEmptyFolders === 'function'
    ? (store as Store & Folders)
    : undefined;

/** An ability of stores in which the name of an object lasts only once its folder is synced. Asked for by presence. */
export interface NameSync {
  /** Makes the names of objects last that another process gave: it may have died, or been refused, before it had. */
  syncNames(keys: readonly string[]): Promise<void>;
}

export const nameSyncOf = (store: Store): NameSync | undefined =>
  'syncNames' in store && typeof store.syncNames === 'function' ? (store as Store & NameSync) : undefined;

/** An ability of stores that compute checksums of what they hold. Asked for by presence. */
export interface Checksums {
  /**
   * The checksum of the object by the first of these algorithms that the store knows one by; undefined where it has another, or none.
   * What it says is worth believing when it is what was expected: else the object itself tells.
   */
  checksum(key: string, question: ChecksumQuestion): Promise<StoredChecksum | undefined>;
}

/** By their names in node:crypto. */
export type ChecksumAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512';

export interface ChecksumQuestion {
  readonly algorithms: readonly ChecksumAlgorithm[];
  /** Of the object, which tells how long the store may take to read it. */
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
}

export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Lower-case hexadecimal digits. */
  readonly value: string;
}

export const checksumsOf = (store: Store): Checksums | undefined =>
  'checksum' in store && typeof store.checksum === 'function' ? (store as Store & Checksums) : undefined;

/** An ability of stores that can read an object back in the same breath as they store it. Asked for by presence. */
export interface ComparedPuts {
  /**
   * Puts it. True when it was read back, and was the same, before it got its name; false when it is left to the caller to ask for its
   * checksum or to read it.
   */
  putCompared(key: string, bytes: Uint8Array): Promise<boolean>;
}

export const comparedPutsOf = (store: Store): ComparedPuts | undefined =>
  'putCompared' in store && typeof store.putCompared === 'function'
    ? (store as Store & ComparedPuts)
    : undefined;

/** An ability of a store with a cache before it. Asked for by presence. */
export interface TreeCache {
  /** Reads part of a pack that holds trees, which are read again and again. */
  getTrees(key: string, range: ByteRange): Promise<Uint8Array>;
  /** What was kept under that name, 64 hex digits, on this machine; undefined when it is not there. Nothing tells whether it is whole. */
  note(name: string): Promise<Uint8Array | undefined>;
  /** Keeps what was found out at a cost. It may be gone at any time. */
  keepNote(name: string, bytes: Uint8Array): Promise<void>;
}

export const treeCacheOf = (store: Store): TreeCache | undefined =>
  'getTrees' in store && typeof store.getTrees === 'function' ? (store as Store & TreeCache) : undefined;

/**
 * An ability of stores that take objects too large for memory, in pieces. Nobody sees such an object before it is whole. Asked for by
 * presence.
 */
export interface LargeObjects {
  beginLarge(key: string): Promise<LargeObject>;
  /** For whoever began it and then crashed: whether the object of that token was committed, even if it has gone since. */
  wasCommitted(key: string, token: string, sizeBytes: number): Promise<boolean>;
  /** Removes what is left of one that was not committed; one that was stays as it is. */
  abandonLarge(key: string, token: string): Promise<void>;
  /** Removes an object that was put in pieces, with all that belongs to it; an absent key is fine. */
  deleteLarge(key: string): Promise<void>;
}

export interface LargeObject {
  /** Tells this attempt from all others; a text to be kept. */
  readonly token: string;
  /** How long each piece must be, by its number from 0; only the last may be shorter. Pieces grow where a store limits their number. */
  pieceBytes(number: number): number;
  /** Pieces may come at once and in any order; repeating one is harmless. There is at least one. */
  putPiece(piece: { readonly number: number; readonly offset: number }, bytes: Uint8Array): Promise<void>;
  /** The object is whole: durable, and seen under its key, when it resolves; one of the same key is replaced. */
  commit(): Promise<void>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export const largeObjectsOf = (store: Store): LargeObjects | undefined =>
  'beginLarge' in store && typeof store.beginLarge === 'function'
    ? (store as Store & LargeObjects)
    : undefined;
