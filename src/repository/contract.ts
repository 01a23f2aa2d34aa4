// What the rest of Holdfast sees of a repository. `repository.ts` opens one.
import type { HoldfastError } from '#lib/errors.ts';
import type { OnProgress } from '#lib/progress.ts';
import type { Entry, EntryMeta, EntryType, Previous } from '#sources/source.ts';
import type { BlobIds } from './packs/blob-ids.ts';
import type { TreeNode } from './trees/tree.ts';

export type LockMode = 'shared' | 'exclusive' | 'none';

export interface Repository extends AsyncDisposable {
  /** 64 hex digits, from the repository's config. */
  readonly id: string;
  /** 16 hex digits that only the repository's own key gives, and that tell nothing of it. */
  readonly keyCheck: string;
  /** The store's location, for messages. */
  readonly location: string;
  /** Every snapshot, oldest first. A damaged one is left out, and a warning in the log. */
  snapshots(): Promise<Snapshot[]>;
  /** Stores one state of one source and, when all of it is durable, its snapshot. */
  write(entries: AsyncIterable<Entry>, options: WriteOptions): Promise<WriteReport>;
  /** A snapshot's entries with no content read ahead: for ls, find, diff. Depth first, names in byte order. */
  list(snapshot: Snapshot, options?: ReadOptions): AsyncIterable<ListedEntry>;
  /** The same entries with their content, read ahead and verified: for restore and verify. */
  read(snapshot: Snapshot, options?: ReadOptions): AsyncIterable<Entry>;
  /** The source's view of an earlier snapshot, for `Source.dump`. `root` as it was written with. */
  previous(snapshot: Snapshot, root: string): Previous;
  /** What differs, depth first, names in byte order; what is below a directory that was added or removed is named too. */
  diff(before: Snapshot, after: Snapshot, options?: DiffOptions): AsyncIterable<Difference>;
  /** How much room these snapshots take. */
  usage(snapshots: readonly Snapshot[], options?: UsageOptions): Promise<UsageReport>;
  /** Structure always; pack contents for `readData` (1 = every byte, 0.05 = a random 5 %). Needs an exclusive lock. */
  check(options: CheckOptions): Promise<CheckReport>;
  /** Removes what no snapshot uses. Needs an exclusive lock. REPOSITORY_DAMAGED, and nothing removed, when a snapshot is not whole. */
  prune(options: PruneOptions): Promise<PruneReport>;
  /** Removes the snapshot; what only it used stays until a prune. Needs an exclusive lock. */
  forget(snapshot: Snapshot): Promise<void>;
  /** The same snapshot with other tags, and so with another id (`original` keeps the first one). Needs an exclusive lock. */
  retag(snapshot: Snapshot, tags: readonly string[]): Promise<Snapshot>;
  /** Who can open it. A damaged key is an error, or, with `onDamaged`, left out. */
  keys(onDamaged?: (error: HoldfastError) => void): Promise<RepositoryKey[]>;
  /** Lets another password open it, and returns the new key's id. */
  addKey(password: string): Promise<string>;
  /** A key's password opens it no longer. The key in use cannot be removed. Needs an exclusive lock. */
  removeKey(id: string): Promise<void>;
  /** Puts another password in the place of the one in use, and returns the new key's id. Needs an exclusive lock. */
  changePassword(password: string): Promise<string>;
  /** Copies a snapshot of another repository; blobs that are here already are not read there. */
  copyFrom(source: Repository, snapshot: Snapshot, options: CopyOptions): Promise<CopyReport>;
  /** Rebuilds the index from the packs. Needs an exclusive lock. */
  repairIndex(options: RepairOptions): Promise<RepairIndexReport>;
  /** Reads every pack, and puts what is whole of damaged ones into new packs. Needs an exclusive lock. */
  repairPacks(options: RepairOptions): Promise<RepairPacksReport>;
  /** Rewrites snapshots that lost blobs without the files that cannot be restored. Needs an exclusive lock. */
  repairSnapshots(options: RepairOptions): Promise<RepairSnapshotReport[]>;
}

export interface RepositoryKey {
  readonly id: string;
  readonly username: string;
  readonly hostname: string;
  /** Absent where the key file does not say. */
  readonly created?: Date;
  /** It is the one this repository was opened with. */
  readonly current: boolean;
}

export interface CopyOptions {
  /** Cut the files anew, as this repository cuts, in the place of copying blobs as they are. */
  readonly rechunk?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress;
}

export interface CopyReport {
  readonly snapshot: Snapshot;
  readonly blobsCopied: number;
  readonly bytesCopied: number;
  readonly bytesStored: number;
}

export interface RepairOptions {
  readonly dryRun?: boolean;
  readonly onProgress?: OnProgress;
}

export interface RepairIndexReport {
  /** Packs that the index lists afterwards. */
  readonly packs: number;
  /** Packs that no index listed, or listed wrongly. */
  readonly added: readonly string[];
  /** Listed packs that are not there. */
  readonly missing: readonly string[];
  /** Listed packs that are not as large as they should be: they stay listed, so that repairPacks can save what is whole of them. */
  readonly cut: readonly string[];
  /** Unlisted packs whose header cannot be read: they stay where they are and are listed nowhere. */
  readonly unreadable: readonly string[];
}

export interface RepairPacksReport {
  /** All that were listed. */
  readonly packs: number;
  /** Those that were not whole, and are no more. */
  readonly damaged: readonly RepairedPack[];
}

export interface RepairedPack {
  readonly id: string;
  /** How many of its blobs are still there, in new packs or in others. */
  readonly saved: number;
  /** The ids of those that are not. */
  readonly lost: readonly string[];
}

export interface RepairSnapshotReport {
  readonly id: string;
  /** Absent when the snapshot itself is damaged. */
  readonly snapshot?: Snapshot;
  /** Absent when nothing of it is left. */
  readonly replacement?: Snapshot;
  /** Paths of files and directories that are lost. */
  readonly lost: readonly string[];
}

export interface Snapshot {
  /** 64 hex digits. */
  readonly id: string;
  readonly time: Date;
  /** The same as the clock of its maker showed it, to the nanosecond: RFC 3339 with the offset from UTC. */
  readonly localTime?: string;
  /** The blob id of the root tree. */
  readonly tree: string;
  readonly paths: readonly string[];
  readonly hostname: string;
  readonly username: string;
  /** 'source:shop', 'kind:postgres', 'job:nightly', 'run:<id>', and 'partial' when items are missing. */
  readonly tags: readonly string[];
  readonly parent?: string;
  readonly original?: string;
  readonly programVersion?: string;
  readonly summary?: SnapshotSummary;
  /** What else its file has, as its maker wrote it: the maker's uid and gid, restic's list of excludes, marks of other programs. */
  readonly others?: Readonly<Record<string, unknown>>;
}

export interface SnapshotSummary {
  readonly backupStart: Date;
  readonly backupEnd: Date;
  readonly filesNew: number;
  readonly filesChanged: number;
  readonly filesUnmodified: number;
  readonly dirsNew: number;
  readonly dirsChanged: number;
  readonly dirsUnmodified: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Bytes of new blobs before compression. */
  readonly dataAdded: number;
  /** Bytes of new blobs as stored. */
  readonly dataAddedPacked: number;
  readonly totalFilesProcessed: number;
  readonly totalBytesProcessed: number;
}

export interface WriteOptions {
  /** The folder of the snapshot that everything lies in: the source's name. */
  readonly root: string;
  readonly tags: readonly string[];
  readonly time: Date;
  readonly concurrency: number;
  readonly parent?: Snapshot;
  /** Read and cut everything, store nothing. */
  readonly dryRun?: boolean;
  /** How many rows of tables are in memory at once, where they are compared with those of `parent`; four million unless told. */
  readonly rowsAtOnce?: number;
  readonly signal: AbortSignal;
  /** Tags that depend on what was stored; asked for when all of it is durable, and not on a dry run. */
  readonly lateTags?: (
    summary: SnapshotSummary,
    failures: readonly ItemOutcome[],
  ) => Promise<readonly string[]>;
  readonly onProgress?: OnProgress;
  /** Called once for each entry that has an `item` name or failed, as it ends. */
  readonly onItem?: (outcome: ItemOutcome) => void;
}

export interface ItemOutcome {
  readonly path: string;
  readonly item?: string;
  readonly bytes: number;
  /** Absent: it is in the snapshot. */
  readonly error?: Error;
}

export interface WriteReport {
  /** Absent on a dry run. Tagged 'partial' when `failures` is not empty. */
  readonly snapshot?: Snapshot;
  readonly summary: SnapshotSummary;
  readonly failures: readonly ItemOutcome[];
}

export interface ReadOptions {
  /** Only this path and what is below it ('shop/data/public.orders'); PATH_UNKNOWN when the snapshot has no such path. */
  readonly path?: string;
  /** Paths are given relative to `path`'s folder of this name ('shop'), as the source made them. */
  readonly root?: string;
  /** Skip an entry (and, for a directory, all below it) by its path as it will be given. */
  readonly include?: (path: string, type: EntryType) => boolean;
  /** The reader is done with an entry, and with all bytes it had of it, when it asks for the next one: their memory is used again. */
  readonly oneByOne?: boolean;
  /** Told of a directory whose content is not to be known for damage, after it was given; all else is. Without this it is an error. */
  readonly onDamaged?: (path: string, error: HoldfastError) => void;
  readonly signal?: AbortSignal;
}

export interface ListedEntry {
  readonly path: string;
  readonly type: EntryType;
  readonly meta: EntryMeta;
  /** Blob ids of a file's content, in order; of a file in layers that of their tree: the same ids are always the same content. */
  readonly blobs: BlobIds;
  /** Of a file that is stored in layers: the directory in its place. */
  readonly inLayers?: TreeNode;
  /** The blob id of a directory's tree. */
  readonly subtree?: string;
}

export interface DiffOptions {
  /** Also what differs in nothing but its metadata (mode, owner, times). */
  readonly metadata?: boolean;
  readonly signal?: AbortSignal;
}

export interface Difference {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'content' | 'type' | 'metadata';
  readonly before?: { readonly type: EntryType; readonly meta: EntryMeta };
  readonly after?: { readonly type: EntryType; readonly meta: EntryMeta };
}

export interface UsageOptions {
  /** Gets each snapshot of which a part cannot be read, and why: what is there is counted. Without it the first such one is an error. */
  readonly onDamaged?: (snapshot: Snapshot, error: HoldfastError) => void;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

export interface UsageReport {
  readonly snapshots: number;
  /** What a restore of every one of the snapshots would write. */
  readonly files: number;
  readonly bytes: number;
  /** What is stored for all of them together, each blob once: before compression, and as stored. */
  readonly blobs: number;
  readonly bytesPlain: number;
  readonly bytesStored: number;
  /** All packs of the repository, whoever uses them. */
  readonly packs: number;
  readonly bytesOfPacks: number;
}

export interface CheckOptions {
  readonly readData?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: OnProgress;
}

export interface CheckReport {
  readonly packs: number;
  readonly blobs: number;
  readonly snapshots: number;
  readonly bytesRead: number;
  /** Each sentence names the object and says what is wrong with it; empty means the repository is whole. */
  readonly problems: readonly string[];
  /** Harmless leftovers, such as packs of an interrupted backup. */
  readonly notes: readonly string[];
}

export interface PruneOptions {
  /** How much may stay unused in packs that also hold used blobs: a share of what is stored (restic's default is 0.05), or bytes. */
  readonly maxUnused: { readonly share: number } | { readonly bytes: number };
  /** Find out and report, change nothing. */
  readonly dryRun?: boolean;
  /** With `dryRun`: as if the snapshots with these ids were gone. */
  readonly without?: ReadonlySet<string>;
  readonly onProgress?: OnProgress;
}

export interface PruneReport {
  readonly packsDeleted: number;
  /** Of those, packs whose used blobs went into new packs. */
  readonly packsRepacked: number;
  readonly bytesRepacked: number;
  readonly bytesFreed: number;
  /** Bytes of packs afterwards, and what of them is still unused. */
  readonly bytesKept: number;
  readonly bytesUnusedKept: number;
}
