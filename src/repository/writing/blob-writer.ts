// The coordinator of the write path: hands blobs to the workers, stores the packs they fill, and lists stored packs in
// index files. Order is the law: a blob's pack is durable before an index names it.
import { hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { Semaphore } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import { threadEnded } from '#lib/file-limit.ts';
import { errorOf } from '#lib/plain-error.ts';
import { workerUrl } from '#lib/worker-url.ts';
import { localFolderOf } from '#stores/store.ts';
import { idBytes, idFromHex, packKey } from '../packs/blob.ts';
import { roomForNewBlobs } from '../packs/blob-table.ts';
import { type IndexedPack, saveIndex } from '../packs/index-file.ts';
import { decodeHeader } from '../packs/pack-format.ts';
import type { Range } from '../packs/ranges.ts';
import type { Session } from '../session.ts';
import { alone, type TreePart, treeId } from '../trees/tree-parts.ts';
import type { BatchReply, SealReply, SealRequest, SealWorkerData } from './seal-messages.ts';

/** Large enough for the largest blob that is cut here, so that each lies whole in one slab. */
const slabBytes = 8 * 1024 * 1024;
/** A slab is handed over when it has so much, so that small blobs share a message. */
const batchBytes = 1024 * 1024;
const batchBlobs = 512;
/** More new blobs than can be under way before the table is looked at again. */
const tableMargin = roomForNewBlobs / 2;
/**
 * With so many blobs this thread drops lists of them that are large: they are collected when they are as much as what is in use, not
 * three times that. With fewer it would only cost time.
 */
const manyBlobs = 60_000;
/** Trees, and blobs that no slab holds, wait for a worker in memory of their own: no more than this is begun. */
const mostAloneBytes = 16 * 1024 * 1024;
/** An index file is written when it would list so many blobs, as with restic, … */
const indexBlobs = 50_000;
/** … or after this time, so that a long run that dies leaves its packs listed. */
const indexIntervalMs = 5 * 60_000;

/**
 * Nearly all of a worker's objects are gone at once; and what they hold outside the heap goes with them. The less the old ones may
 * ever take, the earlier those that are gone are collected: of 256 MiB, at 20 instead of 40 where 10 are in use.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 256 };

/** Told the blob's id, and the bytes it took: 0 when the repository had it. */
type Done<Id> = (id: Id, storedBytes: number) => void;

interface Slab {
  readonly number: number;
  readonly bytes: Uint8Array;
  used: number;
  lengths: number[];
  done: Done<Uint8Array>[];
}

interface SealWorker {
  readonly thread: Worker;
  busy: number;
}

/** As `target.set(source, at)`, which takes shared memory word by word: six times as long as Node's own way to copy a part. */
const copyShared = (source: Uint8Array, target: Uint8Array, at: number): void => {
  Buffer.from(source.buffer).copy(target, at, source.byteOffset, source.byteOffset + source.length);
};

export class BlobWriter {
  readonly #session: Session;
  readonly #workers: SealWorker[] = [];
  readonly #mostWorkers = Math.min(8, availableParallelism());
  readonly #workerData: Omit<SealWorkerData, 'table' | 'localFolder'>;
  /** Where workers may store packs themselves; none before the lock has settled. */
  #localFolder: string | undefined;
  readonly #free: Slab[];
  #current: Slab | undefined;
  readonly #requests = new Map<number, (reply: BatchReply) => void>();
  #nextRequest = 0;
  /** Resumed at every reply and at a failure: whoever waits looks again. */
  #waiting: (() => void)[] = [];
  #growing: Promise<void> | undefined;
  readonly #puts: Semaphore;
  readonly #storing = new Set<Promise<void>>();
  #aloneBytes = 0;
  #toIndex: IndexedPack[] = [];
  #toIndexBlobs = 0;
  #indexedAt = Date.now();
  /** Blobs are only put elsewhere: where they lie now, nobody asks before the index is read anew. */
  #moves = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(session: Session, dryRun: boolean) {
    this.#session = session;
    this.#puts = new Semaphore(session.store.connections);
    const slabs = Array.from({ length: 2 * this.#mostWorkers + 1 }, () => new SharedArrayBuffer(slabBytes));
    this.#free = slabs.map((slab, number) => ({
      number,
      bytes: new Uint8Array(slab),
      used: 0,
      lengths: [],
      done: [],
    }));
    this.#workerData = {
      key: session.key,
      level: session.level,
      verify: session.verifyAfterSeal,
      slabs,
      dryRun,
    };
    this.#collectInTime();
    void this.#storeLocally();
  }

  /** Takes a data blob; it is copied when this returns, or when the promise it returns resolves. */
  add(blob: Uint8Array, done: Done<Uint8Array>): Promise<void> | undefined {
    this.#throwFailure();
    if (blob.length > slabBytes) return this.#addLarge(blob, done);
    const wait = this.#barrier();
    if (wait) return wait.then(() => this.add(blob, done));
    if (this.#current && this.#current.used + blob.length > slabBytes) this.#dispatch();
    const slab = this.#current ?? this.#free.pop();
    if (!slab) return this.#change().then(() => this.add(blob, done));
    this.#current = slab;
    copyShared(blob, slab.bytes, slab.used);
    slab.used += blob.length;
    slab.lengths.push(blob.length);
    slab.done.push(done);
    if (slab.used >= batchBytes || slab.lengths.length >= batchBlobs) this.#dispatch();
    return undefined;
  }

  /** What has to be waited for before more is begun, a tree above all; undefined when there is room. Ask again after it. */
  busy(): Promise<void> | undefined {
    this.#throwFailure();
    return this.#aloneBytes > mostAloneBytes ? this.#change() : this.#barrier();
  }

  /**
   * Takes a tree blob and, of parts that have memory of their own, this with them; returns its id. All go to one worker, so that there
   * are few packs of trees.
   */
  addTree(tree: readonly TreePart[], done: Done<string>): string {
    this.#throwFailure();
    const id = treeId(tree);
    if (this.#session.blobs.has(id, 'tree')) {
      done(id, 0); // as nearly all are when little has changed
      return id;
    }
    const parts = tree.map(({ kind, bytes }) => ({ kind, bytes: alone(bytes) }));
    const memory = parts.map(({ bytes }) => bytes.buffer);
    const size = memory.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const worker = this.#workers[0] ?? this.#startWorker();
    const request = this.#expectAlone(worker, size, (stored) => done(id, stored));
    post(worker, { kind: 'tree', request, id, parts }, memory);
    return id;
  }

  /** As other programs may be told to cut them. */
  async #addLarge(blob: Uint8Array, done: Done<Uint8Array>): Promise<void> {
    for (let wait = this.busy(); wait; wait = this.busy()) await wait;
    const id = hash('sha256', blob, 'hex');
    const bytes = new Uint8Array(blob);
    const worker = this.#leastBusy();
    const request = this.#expectAlone(worker, bytes.length, (stored) => done(idFromHex(id), stored));
    post(worker, { kind: 'large', request, id, bytes }, [bytes.buffer]);
  }

  /** Puts blobs of an old pack into new ones; resolves when they have been read. REPOSITORY_DAMAGED when one of them is not whole. */
  async repack(range: Range): Promise<void> {
    this.#throwFailure();
    this.#moves = true;
    const { store } = this.#session;
    const bytes =
      localFolderOf(store) === undefined ? await store.get(packKey(range.pack), range) : undefined;
    while (this.#storing.size > store.connections) await this.#change();
    let done = false;
    const worker = this.#leastBusy();
    const request = this.#expect(worker, () => {
      done = true;
    });
    post(worker, { kind: 'repack', request, ...range, ...(bytes && { bytes }) });
    while (!done && !this.#failure) await this.#change();
    this.#throwFailure();
  }

  /** Waits until every blob given so far has its id. */
  async settled(): Promise<void> {
    this.#throwFailure(); // a thread that has died would never answer
    this.#dispatch();
    while (this.#requests.size > 0) await this.#change();
    this.#throwFailure();
  }

  /** Stores what is begun and lists it in an index: after this a snapshot may name it. */
  async finish(): Promise<void> {
    await this.settled();
    for (const worker of this.#workers)
      post(worker, { kind: 'flush', request: this.#expect(worker, () => {}) });
    await this.settled();
    while (this.#storing.size > 0) await Promise.all(this.#storing);
    this.#throwFailure();
    await this.#writeIndex();
  }

  /** Ends the workers; what was not finished is lost, which harms nothing. */
  async close(): Promise<void> {
    this.#failure ??= { error: new HoldfastError('CANCELLED', 'the writer is closed') };
    this.#wake();
    await Promise.all(this.#workers.map(({ thread }) => thread.terminate()));
    await Promise.allSettled(this.#storing);
  }

  /** Lists a pack that a run that died left unlisted. Before the first blob only. */
  adopt(pack: IndexedPack): void {
    this.#noteStored(pack);
  }

  async #storeLocally(): Promise<void> {
    const localFolder = localFolderOf(this.#session.store);
    if (localFolder === undefined) return;
    try {
      await this.#session.lock?.settled;
    } catch (error) {
      return this.#fail(error);
    }
    this.#localFolder = localFolder;
    for (const worker of this.#workers) post(worker, { kind: 'folder', localFolder });
  }

  /** Workers start when there is work for them: a run in which nothing has changed needs none. */
  #startWorker(): SealWorker {
    const workerData: SealWorkerData = {
      ...this.#workerData,
      table: this.#session.blobs.table.shared,
      localFolder: this.#localFolder,
    };
    const worker = {
      thread: new Worker(workerUrl(import.meta.url, './seal-worker'), { workerData, resourceLimits }),
      busy: 0,
    };
    worker.thread.on('message', (reply: SealReply) => this.#receive(reply));
    const fail = (cause: unknown): void => this.#fail(threadEnded('a worker thread', cause));
    worker.thread.on('error', fail).on('exit', () => fail('too early'));
    this.#workers.push(worker);
    return worker;
  }

  /** What has to be waited for before another blob may come in. */
  #barrier(): Promise<void> | undefined {
    if (this.#growing) return this.#growing;
    if (this.#session.blobs.table.isFullWith(tableMargin)) {
      this.#growing = this.#grow().finally(() => {
        this.#growing = undefined;
      });
      return this.#growing;
    }
    return this.#storing.size > this.#session.store.connections ? this.#change() : undefined;
  }

  async #grow(): Promise<void> {
    do await this.settled();
    while (this.#requests.size > 0); // a directory was closed meanwhile
    this.#session.blobs.reserve(roomForNewBlobs);
    this.#collectInTime();
    for (const worker of this.#workers)
      post(worker, { kind: 'table', table: this.#session.blobs.table.shared });
  }

  #collectInTime(): void {
    if (this.#session.blobs.table.count > manyBlobs) setFlagsFromString('--heap-growing-percent=100');
  }

  #dispatch(): void {
    const slab = this.#current;
    if (!slab) return;
    this.#current = undefined;
    const worker = this.#leastBusy();
    const { number, lengths, done } = slab;
    const request = this.#expect(worker, (reply) => {
      Object.assign(slab, { used: 0, lengths: [], done: [] });
      this.#free.push(slab);
      for (let at = 0; at < done.length; at += 1)
        done[at]?.(reply.ids.subarray(at * idBytes, (at + 1) * idBytes), reply.stored[at] as number);
    });
    post(worker, { kind: 'slab', request, slab: number, lengths });
  }

  #leastBusy(): SealWorker {
    const idle = this.#workers.find(({ busy }) => busy === 0);
    if (idle) return idle;
    if (this.#workers.length < this.#mostWorkers) return this.#startWorker();
    return this.#workers.reduce((least, other) => (other.busy < least.busy ? other : least));
  }

  #expect(worker: SealWorker, done: (reply: BatchReply) => void): number {
    const request = this.#nextRequest++;
    worker.busy += 1;
    this.#requests.set(request, (reply) => {
      worker.busy -= 1;
      done(reply);
    });
    return request;
  }

  /** The same for what has so much memory of its own; told what it takes stored. */
  #expectAlone(worker: SealWorker, sizeBytes: number, done: (storedBytes: number) => void): number {
    this.#aloneBytes += sizeBytes;
    return this.#expect(worker, (reply) => {
      this.#aloneBytes -= sizeBytes;
      done(reply.stored[0] as number);
    });
  }

  #receive(reply: SealReply): void {
    try {
      if (reply.kind === 'error') throw errorOf(reply);
      if (reply.kind === 'pack')
        this.#store({ id: reply.id, entries: decodeHeader(reply.header) }, reply.bytes);
      else {
        const done = this.#requests.get(reply.request);
        this.#requests.delete(reply.request);
        done?.(reply);
        this.#wake();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #store(pack: IndexedPack, bytes: Uint8Array | undefined): void {
    if (!bytes) this.#noteStored(pack);
    else
      this.#background(async () => {
        await this.#puts.run(async () => {
          this.#throwFailure(); // what waited for its turn
          await this.#session.store.put(packKey(pack.id), bytes);
        });
        this.#noteStored(pack);
      });
  }

  #noteStored(pack: IndexedPack): void {
    if (!this.#moves) this.#session.blobs.add(pack);
    this.#toIndex.push(pack);
    this.#toIndexBlobs += pack.entries.length;
    if (this.#toIndexBlobs >= indexBlobs || Date.now() - this.#indexedAt > indexIntervalMs)
      this.#background(() => this.#writeIndex());
  }

  async #writeIndex(): Promise<void> {
    const packs = this.#toIndex;
    this.#toIndex = [];
    this.#toIndexBlobs = 0;
    this.#indexedAt = Date.now();
    if (packs.length === 0) return;
    await this.#session.lock?.refuseIfLost(); // else somebody may have removed what it would list
    await saveIndex(this.#session.store, this.#session.sealer, packs);
  }

  #background(work: () => Promise<void>): void {
    const task: Promise<void> = work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#storing.delete(task);
        this.#wake();
      });
    this.#storing.add(task);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#requests.clear();
    this.#wake();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

const post = (worker: SealWorker, message: SealRequest, transfer: ArrayBuffer[] = []): void =>
  worker.thread.postMessage(message, transfer);
