// From a source's entries to a snapshot: contents become blobs, directories trees, and when all of it is durable, and
// only then, a snapshot names the root.

import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { dateToNanos } from '#lib/file-times.ts';
import { userName } from '#lib/home.ts';
import { machineName } from '#lib/machine-name.ts';
import type { RowFormat } from '#lib/row-format.ts';
import { version } from '#lib/version.ts';
import type { Content, Entry, EntryMeta } from '#sources/source.ts';
import type { ItemOutcome, SnapshotSummary, WriteOptions, WriteReport } from '../contract.ts';
import { refuseIfPruned, takeStock } from '../packs/stock.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import type { Reading } from '../rows/layer-files.ts';
import { nodeOf } from '../rows/layers.ts';
import { RowBudget } from '../rows/row-budget.ts';
import { type Ground, type LayerWriter, mostRows, planRows, writeBeside } from '../rows/write-layers.ts';
import type { Session } from '../session.ts';
import { saveSnapshot } from '../snapshot.ts';
import { type EarlierNodes, parentOf } from '../trees/previous.ts';
import { isSameMeta } from '../trees/same-node.ts';
import type { TreeNode } from '../trees/tree.ts';
import { Directory, type TreeStore } from '../trees/tree-builder.ts';
import { lengthOf } from '../trees/tree-parts.ts';
import { BlobWriter } from './blob-writer.ts';
import { ContentCutter, type Cut, cutsOf, tableCut } from './content-cutter.ts';
import { WriteCounts } from './write-counts.ts';

const progressMs = 100;

/** What `options.parent` has: its nodes, and a reader for their contents. */
export interface Before {
  readonly earlier: EarlierNodes;
  reader(): Promise<BlobReader>;
}

/** See Repository.write. */
export const writeSnapshot = async (
  session: Session,
  entries: AsyncIterable<Entry>,
  options: WriteOptions,
  before?: Before,
): Promise<WriteReport> => {
  const started = new Date();
  const unlisted = options.dryRun ? [] : await takeStock(session);
  const writer = new BlobWriter(session, options.dryRun ?? false);
  try {
    for (const pack of unlisted) writer.adopt(pack);
    const tree = new TreeWriter(session, writer, options, before);
    const root = await tree
      .write(entries)
      .catch((error: unknown) => keepWhatIsStored(session, writer, error));
    const { failures } = tree;
    if (options.dryRun) return { summary: tree.summary(started), failures };
    await writer.finish();
    await refuseIfPruned(session);
    throwIfCancelled(session.signal);
    const summary = tree.summary(started);
    const lateTags = (await options.lateTags?.(summary, failures)) ?? [];
    const tags = [...options.tags, ...lateTags, ...(failures.length > 0 ? ['partial'] : [])];
    throwIfCancelled(session.signal);
    const snapshot = await saveSnapshot(session.store, session.sealer, {
      time: options.time,
      tree: root,
      paths: [`/${options.root}`],
      hostname: machineName(),
      username: userName(),
      tags,
      ...(options.parent && { parent: options.parent.id }),
      programVersion: `holdfast ${version}`,
      summary,
    });
    return { snapshot, summary, failures };
  } finally {
    await writer.close();
  }
};

/**
 * A run that ends early keeps its packs listed, so that the next one need not store them again; then it fails as it would
 * have. Whoever has lost his lock writes nothing more.
 */
const keepWhatIsStored = async (session: Session, writer: BlobWriter, error: unknown): Promise<never> => {
  if (!hasCode(session.signal.reason, 'REPOSITORY_LOCKED')) await writer.finish().catch(() => {}); // the first error is the one to report
  throw error;
};

/** Where an entry goes, and what the previous snapshot has there. */
interface Place {
  readonly name: string;
  readonly directory: Directory;
  readonly before: TreeNode | undefined;
}

class TreeWriter {
  readonly #session: Session;
  readonly #writer: BlobWriter;
  readonly #options: WriteOptions;
  readonly #cutter: ContentCutter;
  readonly #earlier: EarlierNodes | undefined;
  readonly #reading: () => Promise<Reading>;
  readonly #budget: RowBudget;
  readonly #counts = new WriteCounts();
  /** The chain of open directories, the snapshot's root first. */
  readonly #open: Directory[] = [];
  readonly #defaults: EntryMeta;
  #current = '';
  /** Of the files that are cut as tables. */
  #tableBlobs = 0;
  readonly failures: ItemOutcome[] = [];

  constructor(session: Session, writer: BlobWriter, options: WriteOptions, before: Before | undefined) {
    this.#session = session;
    this.#writer = writer;
    this.#options = options;
    this.#budget = new RowBudget(options.rowsAtOnce ?? mostRows);
    this.#cutter = new ContentCutter(session, writer);
    this.#earlier = before?.earlier;
    this.#reading = async () => ({ session, reader: await (before as Before).reader() });
    this.#defaults = {
      mtime: dateToNanos(options.time),
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
    };
  }

  /** Stores everything and returns the id of the root tree. */
  async write(entries: AsyncIterable<Entry>): Promise<string> {
    let root: string | undefined;
    const top = new Directory('', {}, undefined, this.#trees);
    this.#open.push(top, new Directory(this.#options.root, this.#dirMeta({}), top, this.#trees));
    const timer = setInterval(() => this.#report(), progressMs);
    try {
      await this.#writeEntries(entries);
      while (this.#open.length > 1) this.#open.pop()?.close();
      top.close((id) => {
        root = id;
      });
      await this.#writer.settled();
    } finally {
      clearInterval(timer);
      this.#report();
    }
    if (root === undefined) throw new HoldfastError('FAILED', 'the root tree was not stored');
    return root;
  }

  summary(started: Date): SnapshotSummary {
    return this.#counts.summary(started);
  }

  async #writeEntries(entries: AsyncIterable<Entry>): Promise<void> {
    const running = new Set<Promise<void>>();
    let failure: { error: unknown } | undefined;
    try {
      for await (const entry of entries) {
        throwIfCancelled(this.#session.signal);
        for (let wait = this.#writer.busy(); wait; wait = this.#writer.busy()) await wait;
        const before = this.#earlier?.find(this.#fullPath(entry.path));
        const task = this.#writeEntry(entry, before instanceof Promise ? await before : before);
        if (!task) continue;
        if (this.#options.concurrency <= 1) await task;
        else {
          const tracked: Promise<void> = task
            .catch((error: unknown) => {
              failure ??= { error };
            })
            .finally(() => running.delete(tracked));
          running.add(tracked);
          if (running.size >= this.#options.concurrency) await Promise.race(running);
          if (failure) throw failure.error;
        }
      }
    } finally {
      await Promise.all(running);
    }
    if (failure) throw failure.error;
  }

  /** Undefined when nothing has to be waited for. */
  #writeEntry(entry: Entry, before: TreeNode | undefined): Promise<void> | undefined {
    this.#current = entry.path;
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
    if (entry.failed) {
      this.#fail(entry, entry.failed);
      return undefined;
    }
    if (entry.type === 'dir') {
      const directory = this.#enter(entry.path);
      directory.describe(this.#dirMeta(entry.meta), before);
      return undefined;
    }
    const directory = this.#enter(parentOf(entry.path));
    if (before) directory.existed();
    directory.begin();
    if (entry.type !== 'file') {
      directory.add({ name, type: entry.type, meta: { ...this.#defaults, ...entry.meta } }, before);
      return undefined;
    }
    if (entry.unchanged && before?.content?.every((id) => this.#session.blobs.has(id, 'data'))) {
      this.#counts.addFile('Unmodified');
      this.#counts.addBytes(before.meta.size ?? 0);
      if (isSameMeta(before.meta, entry.meta)) directory.keep(before);
      else directory.add({ ...before, meta: { ...before.meta, ...entry.meta } });
      this.#note(entry, before.meta.size ?? 0);
      return undefined;
    }
    return this.#writeFile(entry, { name, directory, before });
  }

  async #writeFile(entry: Entry, place: Place): Promise<void> {
    const content = entry.content?.();
    if (!content) {
      place.directory.drop();
      return this.#fail(
        entry,
        new HoldfastError('ITEM_UNREADABLE', `${entry.path} is no longer in the repository`),
      );
    }
    if (entry.chunking === 'lines' || entry.chunking === 'bson')
      return this.#writeRows(entry, entry.chunking, content, place);
    return this.#writeContent(entry, content, place);
  }

  /** Beside what the previous snapshot has of it, or whole. */
  async #writeRows(entry: Entry, format: RowFormat, content: Content, place: Place): Promise<void> {
    const plan = await planRows(place.before, {
      format,
      open: this.#reading,
      budget: this.#budget,
      sizeBytes: entry.meta.size,
    });
    if (plan.how === 'beside')
      await this.#writeBeside(entry, content, place, plan.ground).finally(plan.ground.release);
    else {
      const { why } = plan;
      if (why) this.#session.log.debug({ table: entry.path, why }, 'a table is stored whole');
      const chunking = plan.how === 'table' ? 'table' : 'file';
      await this.#writeContent({ ...entry, chunking }, content, place);
    }
  }

  async #writeBeside(
    entry: Entry,
    content: Content,
    { name, directory, before }: Place,
    ground: Ground,
  ): Promise<void> {
    let seen = 0;
    const to: LayerWriter = {
      path: entry.path,
      session: this.#session,
      cutter: this.#cutter,
      writer: this.#writer,
      onBytes: (bytes) => {
        seen += bytes;
        this.#counts.addBytes(bytes);
      },
      onBlobs: (totals) => this.#counts.addBlobs(totals),
      onTree: (bytes, storedBytes) => this.#counts.addTree(bytes, storedBytes),
      metaOf: (bytes) => this.#fileMeta({}, bytes),
    };
    try {
      await writeBeside(to, content, ground, (layers, subtree) => {
        const meta = this.#fileMeta(entry.meta, seen);
        const isSame = directory.add(nodeOf({ name, meta }, layers, subtree), before);
        this.#counts.addFile(isSame ? 'Unmodified' : 'Changed');
      });
      this.#note(entry, seen);
    } catch (error) {
      this.#failItem(entry, directory, error);
    }
  }

  async #writeContent(entry: Entry, content: Content, { name, directory, before }: Place): Promise<void> {
    const isTable = entry.chunking === 'table';
    const how: Cut = isTable
      ? tableCut(entry.meta.size ?? 0, {
          blobsBefore: this.#tableBlobs,
          previous: cutsOf(this.#session, before),
        })
      : { by: 'rabin' };
    // Several tables, or parts of one, are read at a time: those that are not done yet count by their size.
    const expectedBlobs = how.by === 'gear' ? Math.ceil((entry.meta.size ?? 0) / how.averageBytes) : 0;
    this.#tableBlobs += expectedBlobs;
    let seen = 0;
    const options = {
      expectedBytes: entry.meta.size,
      signal: this.#session.signal,
      onBytes: (bytes: number) => {
        seen += bytes;
        this.#counts.addBytes(bytes);
      },
    };
    try {
      await this.#cutter.cut(content, how, options, ({ ids, bytes, ...added }) => {
        if (isTable) this.#tableBlobs += ids.length - expectedBlobs;
        this.#counts.addBlobs(added);
        const node: TreeNode = {
          name,
          type: 'file',
          meta: this.#fileMeta(entry.meta, bytes),
          content: ids,
        };
        const isSame = directory.add(node, before);
        this.#counts.addFile(isSame ? 'Unmodified' : before ? 'Changed' : 'New');
      });
      this.#note(entry, seen);
    } catch (error) {
      this.#failItem(entry, directory, error);
    }
  }

  #failItem(entry: Entry, directory: Directory, error: unknown): void {
    if (!(error instanceof HoldfastError && error.kind.item)) throw error;
    directory.drop();
    this.#fail(entry, error);
  }

  /** The directory of that path, with those left closed and those missing made. */
  #enter(path: string): Directory {
    const full = this.#fullPath(path);
    let last = this.#open[this.#open.length - 1] as Directory;
    while (last.path !== full && !full.startsWith(`${last.path}/`) && this.#open.length > 2) {
      this.#open.pop()?.close();
      last = this.#open[this.#open.length - 1] as Directory;
    }
    while (last.path !== full) {
      const rest = full.slice(last.path.length + 1);
      const name = rest.split('/', 1)[0] as string;
      last = new Directory(name, this.#dirMeta({}), last, this.#trees);
      this.#open.push(last);
    }
    return last;
  }

  #fullPath(path: string): string {
    return path === '' ? this.#options.root : `${this.#options.root}/${path}`;
  }

  readonly #trees: TreeStore = {
    store: (tree, existed, done) => {
      const length = lengthOf(tree);
      this.#writer.addTree(tree, (id, storedBytes) => {
        this.#counts.addDirectory(existed ? (storedBytes > 0 ? 'Changed' : 'Unmodified') : 'New');
        this.#counts.addTree(length, storedBytes);
        done(id);
      });
    },
    keep: () => {
      this.#counts.addDirectory('Unmodified');
    },
    namesBefore: (path) => this.#earlier?.countIn(path),
  };

  #dirMeta(meta: EntryMeta): EntryMeta {
    return { ...this.#defaults, mode: 0o700, ...meta };
  }

  #fileMeta(meta: EntryMeta, size: number): EntryMeta {
    return { ...this.#defaults, mode: 0o600, ...meta, size };
  }

  #note(entry: Entry, bytes: number): void {
    if (entry.item !== undefined) this.#options.onItem?.({ path: entry.path, item: entry.item, bytes });
  }

  #fail(entry: Entry, error: Error): void {
    const outcome = {
      path: entry.path,
      ...(entry.item !== undefined && { item: entry.item }),
      bytes: 0,
      error,
    };
    this.failures.push(outcome);
    this.#options.onItem?.(outcome);
  }

  #report(): void {
    const { bytes, files: items } = this.#counts;
    this.#options.onProgress?.({ phase: 'backup', bytes, items, current: this.#current });
  }
}
