// The contract of everything that has data: a database server, a directory tree, a bucket.
import type { Kind } from '#lib/kind.ts';
import type { RowFormat } from '#lib/row-format.ts';

export interface Source extends AsyncDisposable {
  /** How many contents it likes to have open at once: 1 for files, the number of connections for a database. */
  readonly concurrency: number;
  /** What would stop or spoil a dump, each with a hint; nothing to say is an empty array. */
  check(): Promise<Finding[]>;
  /**
   * One consistent state of the source. A directory comes before what is in it and its entries are contiguous (depth first);
   * missing directories are made by the reader. Throwing from the iteration fails the whole dump; throwing an `item` error
   * (ITEM_UNREADABLE, ITEM_CHANGED) from a content loses that entry only, and the snapshot is marked partial.
   * A content may wait for the contents of entries before it, never for later ones.
   */
  dump(previous?: Previous, options?: DumpOptions): AsyncIterable<Entry>;
  /** Writes entries (as `dump` made them) into the target. All or nothing where the engine can. */
  restore(entries: AsyncIterable<Entry>, into: RestoreTarget): Promise<RestoreReport>;
}

export interface DumpOptions {
  /** The state of every database is taken before the first entry comes, not of each before its own; for kinds with the ability 'moment'. */
  readonly allAtOnce?: boolean;
}

export interface SourceKind<Config> extends Kind<Config, Source> {
  /** What its sources can do beside being backed up and restored: known before one is opened, so that a file that asks for more is refused. */
  readonly abilities: readonly Ability[];
  /** What those of them can do as well whose configuration has this key. */
  readonly abilitiesByKey?: Readonly<Record<string, Ability>>;
}

/**
 * 'rows' are those of a `RowReader`, 'sql' is a `PlainDumper` whose files end so, 'listing' and 'statuses' are what a mirror asks for,
 * 'receiving' is a `Receiver`, 'changes' that it takes partial backups and makes them, 'queries' that it answers those of a drill,
 * 'scratch folder' that a drill makes files, 'replication' that its servers replicate,
 * 'restore by query' that a query in the engine's own language chooses what is restored, 'moment' that what is read is as of the moment of
 * the first entry, however long that takes.
 */
export type Ability =
  | 'rows'
  | 'sql'
  | 'listing'
  | 'statuses'
  | 'receiving'
  | 'changes'
  | 'queries'
  | 'scratch folder'
  | 'replication'
  | 'restore by query'
  | 'moment';

/** One file of a source, real or virtual. */
export interface Entry {
  /** Relative to the source, '/'-separated, no '.' or '..'; '' is the source's own root directory. Bytes that are not UTF-8 as lib/file-name.ts has them. */
  readonly path: string;
  readonly type: EntryType;
  readonly meta: EntryMeta;
  /** Files only. May be called once. */
  content?(): Content;
  /** "As in the previous snapshot": content is carried over, not read. Only for entries `previous.entry` knows. */
  readonly unchanged?: true;
  /** It is there but could not be read at all: reported under its path, not stored. An item error; it has no content. */
  readonly failed?: Error;
  /**
   * How content is cut into blobs: 'file' (restic's chunker, shared with restic), 'table' (small chunks, for rows that change), or by
   * rows that lie so (large chunks, and of later backups only the rows that changed, which may come back in another order).
   */
  readonly chunking?: 'file' | 'table' | RowFormat;
  /** The name under which this entry is reported ('public.orders'); entries without one are only counted. Several entries may share one. */
  readonly item?: string;
}

/** A sync iterable where reading blocks anyway (files), an async one elsewhere. Chunks may be reused by the producer after the next pull. */
export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** 'irregular' is what restic calls a thing that it found on Windows and knows no more of, such as a junction. */
export type EntryType = 'dir' | 'file' | 'symlink' | 'fifo' | 'socket' | 'chardev' | 'dev' | 'irregular';

/** What restic keeps of a file. Everything is optional: a virtual entry may have nothing but a size. */
export interface EntryMeta {
  /** The low 12 bits of st_mode: permissions, setuid, setgid, sticky. */
  readonly mode?: number;
  /** Nanoseconds since the epoch. */
  readonly mtime?: bigint;
  readonly atime?: bigint;
  readonly ctime?: bigint;
  readonly uid?: number;
  readonly gid?: number;
  readonly user?: string;
  readonly group?: string;
  readonly inode?: bigint;
  readonly deviceId?: bigint;
  readonly links?: number;
  /** Bytes. For a virtual entry an estimate, or absent. */
  readonly size?: number;
  /** Device number of a chardev or dev. */
  readonly device?: bigint;
  /** Of a symlink, as lib/file-name.ts has it. */
  readonly linkTarget?: string;
  readonly xattrs?: readonly { readonly name: string; readonly value: Uint8Array }[];
}

/** The source's last good snapshot, read lazily. */
export interface Previous {
  /** What was changed after it was begun may be in it or not. */
  readonly begun: Date;
  /**
   * The entry at that path, or undefined. Cheap when asked in the order of the dump: then there is seldom a promise to wait for.
   */
  entry(path: string): PreviousEntry | undefined | Promise<PreviousEntry | undefined>;
}

export interface PreviousEntry {
  readonly type: EntryType;
  readonly meta: EntryMeta;
  content(): AsyncIterable<Uint8Array>;
}

export interface Finding {
  readonly level: 'warning' | 'error';
  /** What it is about: 'table public.orders', 'pg_dump'. */
  readonly subject: string;
  readonly message: string;
  readonly hint?: string;
}

/** Where a restore goes and how; each kind refuses what it cannot do. */
export interface RestoreTarget {
  /** Allow a target that is not empty; without it TARGET_NOT_EMPTY (status 15) is thrown before anything is written. */
  readonly force: boolean;
  /** Give what is restored another name: ['shop', 'shop_copy'] for a database, ['public.orders', 'public.orders_old'] for a table. */
  readonly rename: readonly (readonly [from: string, to: string])[];
  /**
   * What was asked for when it is not everything, as paths of the source ('shop', 'shop/data/public.orders'); an empty list when
   * something else chose the entries. A database restores a table otherwise than a whole.
   */
  readonly selection?: readonly string[];
  /** Contents come from one stream: each is opened and read before the next entry is asked for, or it is passed over. */
  readonly sequential?: true;
  /** Only these documents or rows of it, by their keys; for kinds that have a `RecordFinder`. */
  readonly records?: readonly string[];
  /** Only the documents that this query finds, in the engine's own language; for kinds with the ability 'restore by query'. */
  readonly query?: string;
  /** Called as each entry is done. */
  onProgress?(progress: { readonly entries: number; readonly bytes: number; readonly current: string }): void;
}

export interface RestoreReport {
  readonly entries: number;
  readonly bytes: number;
  /** Items that could not be restored, each named; any of them makes the run partial (status 3). */
  readonly failures: readonly { readonly path: string; readonly error: Error }[];
  readonly warnings: readonly string[];
}

/**
 * An ability of sources that can be restored for a trial: into a place that is nobody's, beside all real data, and removed
 * afterwards. Asked for by presence.
 */
export interface ScratchMaker {
  /** Where such places are made, without secrets, for people and to find leftovers again: 'db.internal:5432', a folder. */
  scratchLocation(folder: string): string;
  /** What would keep one from being made, each with a hint. Writes nothing. */
  checkScratch(folder: string): Promise<Finding[]>;
  /** Gets ready to make one, and makes nothing yet. TARGET_NOT_EMPTY when something has its name already. */
  openScratch(request: ScratchRequest): Promise<ScratchPlace>;
  /** Removes all that a place of that name consists of, which may be nothing any more. Touches nothing else. */
  removeScratch(name: string, folder: string): Promise<void>;
}

export interface ScratchRequest {
  /** 'holdfast_drill_' and random letters and digits. All that is made has this name, or one that begins with it. */
  readonly name: string;
  /** A folder of this machine, for kinds whose data lies in files. */
  readonly folder: string;
  /** The databases of the snapshot by their own names, as its manifests have them; none for files. */
  readonly databases: readonly string[];
}

/** Where one snapshot is restored to and looked at. Closing it removes nothing. */
export interface ScratchPlace extends AsyncDisposable {
  /** How many contents of its dump may be open at once. */
  readonly concurrency: number;
  /** Databases of the request that belong to the server itself, so that they cannot be restored for a trial. */
  readonly leftOut?: readonly string[];
  /** Restores a whole snapshot; called once. */
  restore(
    entries: AsyncIterable<Entry>,
    onProgress: NonNullable<RestoreTarget['onProgress']>,
  ): Promise<RestoreReport>;
  /** What was restored, read back as a backup reads it, under the paths that it has in the snapshot. */
  dump(): AsyncIterable<Entry>;
  /**
   * How the definitions in a file of the snapshot are read (tables, indexes, sequences, each by a name for people), so that those
   * restored can be held against them; undefined for a file without any. A kind without this ability has files: they are compared
   * one by one, with their metadata.
   */
  definitionsIn?(path: string): ReadDefinitions | undefined;
  /** Runs a user's query in one of the databases: by its own name, which may be left out where there is only one. */
  query?(text: string, database: string | undefined): Promise<QueryRows>;
  /**
   * Whether the server only could not do what it was asked, for want of room or of a right, say, or because somebody stopped it: that
   * says nothing of what was restored. Asked of an error that a restore, a dump or a query met, and of each of its causes.
   */
  saysNothing?(error: Error): boolean;
}

/** Given the file as text, and as its bytes, which need not be UTF-8. */
export type ReadDefinitions = (text: string, bytes: Uint8Array) => ReadonlyMap<string, string>;

/** Each row's values as text, null where there is none. */
export type QueryRows = readonly (readonly (string | null)[])[];

export const scratchMakerOf = (source: Source): (Source & ScratchMaker) | undefined =>
  'openScratch' in source && typeof source.openScratch === 'function'
    ? (source as Source & ScratchMaker)
    : undefined;

/** An ability of sources whose engine's own client loads a whole database from one file. Asked for by presence. */
export interface PlainDumper {
  /** How such a file's name ends: 'sql', so that it is shop.sql.gz when it is compressed. */
  readonly plainExtension: string;
  /** One file for each database; each is read to its end before the next is asked for. Anything that cannot be read fails its file. */
  plainDumps(): AsyncIterable<PlainDump>;
  /** The entries that such a file was made of, one after the other, as `restore` takes them. Throws when the file is cut short or not ours. */
  readPlain(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Entry>;
}

export interface PlainDump {
  readonly database: string;
  content(): AsyncIterable<Uint8Array>;
}

export const plainDumperOf = (source: Source): (Source & PlainDumper) | undefined =>
  'plainDumps' in source && typeof source.plainDumps === 'function'
    ? (source as Source & PlainDumper)
    : undefined;

/** An ability of sources with tables: rows by the order of a column, as text. Asked for by presence. */
export interface RowReader {
  /** One state of the database, until it is closed. */
  openRows(): Promise<RowView>;
}

export interface RowView extends AsyncDisposable {
  /**
   * Transactions in the order of their numbers: those before `oldest` have ended, those from `next` on had not begun to write. Absent
   * where the engine does not tell.
   */
  readonly horizon?: { readonly oldest: bigint; readonly next: bigint };
  /** The table of that name, in full ('public.orders') or as far as it is clear. PATH_UNKNOWN when there is none. */
  table(name: string): Promise<RowTable>;
}

export interface RowTable {
  /** In messages. */
  readonly name: string;
  readonly columns: readonly RowColumn[];
  /** The columns of the primary key; empty without one. */
  readonly key: readonly string[];
  /**
   * The rows in the order of a column, then of others, from a position on; without one, all. Each has its columns' values as text, and
   * as its last value its position. Rows without a value in the column are left out.
   */
  rows(query: RowQuery): AsyncIterable<readonly RowValues[]>;
  /** The position of the last row in that order; undefined when there is none. */
  last(column: string): Promise<string | undefined>;
  /** How many rows have no value in the column. */
  withoutValue(column: string): Promise<number>;
  /** Whether a position comes before another one less an overlap: its row is not among the rows from there on. */
  isBefore(column: string, position: string, from: RowStart): Promise<boolean>;
}

export interface RowColumn {
  readonly name: string;
  /** What its values are in JSON; a text where it is none of these. */
  readonly json: 'number' | 'boolean' | 'json' | 'text';
  /** What an overlap is counted in: seconds of a time, steps of a number; others have none. */
  readonly distance: 'time' | 'number' | 'none';
}

export type RowValues = readonly (string | null)[];

export interface RowQuery {
  readonly orderBy: string;
  readonly thenBy: readonly string[];
  readonly from?: RowStart;
}

export interface RowStart {
  /** As a row had it; means something to the source only. */
  readonly position: string;
  /** Seconds or steps before it, by what the column is. */
  readonly overlap: number;
}

export const rowReaderOf = (source: Source): (Source & RowReader) | undefined =>
  'openRows' in source && typeof source.openRows === 'function' ? (source as Source & RowReader) : undefined;
