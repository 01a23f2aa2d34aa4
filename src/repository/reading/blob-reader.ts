// The coordinator of the read path: groups the blobs that are wanted into ranges of packs and has workers open them.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Semaphore } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { threadEnded } from '#lib/file-limit.ts';
import { errorOf, type PlainError } from '#lib/plain-error.ts';
import { workerUrl } from '#lib/worker-url.ts';
import { localFolderOf } from '#stores/store.ts';
import type { BlobType, PackEntry } from '../packs/blob.ts';
import type { IndexedPack } from '../packs/index-file.ts';
import { type Range, toRanges } from '../packs/ranges.ts';
import type { Session } from '../session.ts';
import { getRange, getTrees, locateBlob } from './load-blob.ts';
import type { OpenReply, OpenRequest, OpenWorkerData } from './open-messages.ts';
import { Opener } from './opener.ts';

/** Opening so much takes less than the start of a thread. */
const fewBytes = 4 * 1024 * 1024;
/** Pieces of memory kept for the next plaintexts. */
const mostSpare = 10;

export type Opened = Uint8Array | HoldfastError;

interface CheckedPack {
  readonly bytes: number;
  readonly problems: readonly string[];
}

interface OpenWorker {
  readonly thread: Worker;
  busy: number;
}

type Question<Request> = Request extends OpenRequest ? Omit<Request, 'request' | 'bytes'> : never;

export class BlobReader implements AsyncDisposable {
  readonly #session: Session;
  readonly #localFolder: string | undefined;
  /** What this thread may still open. */
  #fewLeft = fewBytes;
  #opener: Opener | undefined;
  readonly #workers: OpenWorker[] = [];
  readonly #mostWorkers = Math.min(8, availableParallelism());
  readonly #gets: Semaphore;
  readonly #requests = new Map<number, { resolve(reply: OpenReply): void; reject(error: unknown): void }>();
  #nextRequest = 0;
  readonly #spare: ArrayBuffer[] = [];

  constructor(session: Session) {
    this.#session = session;
    this.#localFolder = localFolderOf(session.store);
    this.#gets = new Semaphore(session.store.connections);
  }

  /** About how large the blob's plaintext is; 0 when no index knows it. */
  sizeOf(id: string, type: BlobType): number {
    const location = this.#session.blobs.locate(id, type);
    return location ? location.plainLength || location.length : 0;
  }

  /** How large the blob is in its pack; 0 when no index knows it. */
  storedSizeOf(id: string, type: BlobType): number {
    return this.#session.blobs.locate(id, type)?.length ?? 0;
  }

  /** The blobs' plaintexts by id; an error stands in the place of one that is missing or damaged. */
  async fetch(ids: Iterable<string>, type: BlobType): Promise<Map<string, Opened>> {
    const opened = new Map<string, Opened>();
    let wanted = [...new Set(ids)];
    for (let copy = 0; wanted.length > 0; copy += 1) {
      await this.#openCopies(wanted, type, copy, opened);
      // What lies before the end of a pack that was cut is had when it is asked for alone.
      const failed = wanted.filter((id) => hasCode(opened.get(id), 'REPOSITORY_DAMAGED'));
      if (wanted.length > 1) for (const id of failed) await this.#openCopies([id], type, copy, opened);
      wanted = wanted.filter(
        (id) => opened.get(id) instanceof Error && this.#session.blobs.locate(id, type, copy + 1),
      );
    }
    return opened;
  }

  async #openCopies(
    ids: readonly string[],
    type: BlobType,
    copy: number,
    opened: Map<string, Opened>,
  ): Promise<void> {
    const found: (PackEntry & { readonly pack: string })[] = [];
    for (const id of ids) {
      try {
        found.push({ ...locateBlob(this.#session, id, type, copy), id, type });
      } catch (error) {
        opened.set(id, error as HoldfastError);
      }
    }
    await Promise.all(
      toRanges(found).map(async (range) => {
        try {
          const reply = await this.#open(range);
          if (reply.kind === 'blobs') unpack(range, reply.plain, reply.lengths, opened);
        } catch (error) {
          if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
          for (const { id } of range.blobs) opened.set(id, error);
        }
      }),
    );
  }

  /** Takes back the memory of plaintexts that nobody will look at again: views of it become empty. */
  release(blobs: ReadonlyMap<string, Opened>): void {
    const buffers = new Set<ArrayBuffer>();
    for (const blob of blobs.values())
      if (blob instanceof Uint8Array) buffers.add(blob.buffer as ArrayBuffer);
    this.#spare.push(...buffers);
    this.#spare.splice(0, this.#spare.length - mostSpare);
  }

  /** What is wrong with a pack, all of which is read: twice when need be, for the line may be at fault, or the disk for a moment. */
  async checkPack(pack: IndexedPack): Promise<CheckedPack> {
    const checked = await this.#checkOnce(pack);
    return checked.problems.length > 0 ? await this.#checkOnce(pack) : checked;
  }

  async #checkOnce({ id, entries }: IndexedPack): Promise<CheckedPack> {
    const load = () => getRange(this.#session.store, id);
    const reply = await this.#ask({ kind: 'pack', pack: id, entries }, entries, load);
    return reply.kind === 'pack' ? reply : { bytes: 0, problems: [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failAll(new HoldfastError('CANCELLED', 'the reader is closed'));
    await Promise.all(this.#workers.map(({ thread }) => thread.terminate()));
  }

  /** From a distant store twice when need be: the line may be at fault, and not the store. */
  async #open(range: Range): Promise<OpenReply> {
    const reply = await this.#openOnce(range);
    return this.#localFolder === undefined && isDamaged(reply) ? await this.#openOnce(range) : reply;
  }

  async #openOnce(range: Range): Promise<OpenReply> {
    const { pack, offset, length, blobs } = range;
    const { store } = this.#session;
    const get = blobs.every(({ type }) => type === 'tree') ? getTrees : getRange;
    const spare = this.#spare.pop();
    const question = { kind: 'blobs', pack, offset, length, blobs, ...(spare && { spare }) } as const;
    return this.#ask(question, blobs, () => get(store, pack, { offset, length }), spare && [spare]);
  }

  /** Here while all of it is little, else of a worker. One who reads a folder reads there itself, and tells why it cannot. */
  async #ask(
    question: Question<OpenRequest>,
    blobs: readonly PackEntry[],
    load: () => Promise<Uint8Array>,
    transfer: ArrayBuffer[] = [],
  ): Promise<OpenReply> {
    const { key } = this.#session;
    const localFolder = this.#localFolder;
    this.#fewLeft -= blobs.reduce((sum, blob) => sum + Math.max(blob.length, blob.plainLength), 0);
    const few = this.#fewLeft >= 0;
    let bytes: Uint8Array | undefined;
    if (localFolder === undefined) bytes = await this.#gets.run(load);
    else if (few) bytes = await load().catch(() => undefined);
    const request = { ...question, request: this.#nextRequest++, ...(bytes && { bytes }) };
    if (!few || !bytes) return await this.#askWorker(request, transfer);
    this.#opener ??= new Opener({ key, localFolder });
    return this.#opener.answer(request);
  }

  #askWorker(message: OpenRequest, transfer: ArrayBuffer[]): Promise<OpenReply> {
    const worker = this.#leastBusy();
    worker.busy += 1;
    return new Promise<OpenReply>((resolve, reject) => {
      this.#requests.set(message.request, { resolve, reject });
      worker.thread.postMessage(message, transfer);
    }).finally(() => {
      worker.busy -= 1;
    });
  }

  /** Workers start when there is work for them. */
  #leastBusy(): OpenWorker {
    const idle = this.#workers.find(({ busy }) => busy === 0);
    if (idle) return idle;
    if (this.#workers.length < this.#mostWorkers) return this.#startWorker();
    return this.#workers.reduce((least, other) => (other.busy < least.busy ? other : least));
  }

  #startWorker(): OpenWorker {
    const workerData: OpenWorkerData = { key: this.#session.key, localFolder: this.#localFolder };
    const thread = new Worker(workerUrl(import.meta.url, './open-worker'), { workerData });
    thread.on('message', (reply: OpenReply) => {
      const waiting = this.#requests.get(reply.request);
      this.#requests.delete(reply.request);
      waiting?.resolve(reply);
    });
    thread.on('error', (cause) => this.#failAll(threadEnded('a worker thread', cause)));
    const worker = { thread, busy: 0 };
    this.#workers.push(worker);
    return worker;
  }

  #failAll(error: HoldfastError): void {
    for (const { reject } of this.#requests.values()) reject(error);
    this.#requests.clear();
  }
}

const isDamaged = (reply: OpenReply): boolean =>
  reply.kind === 'blobs' &&
  reply.lengths.some((length) => typeof length !== 'number' && length.code === 'REPOSITORY_DAMAGED');

/** Sorts a reply's plaintexts and failures by the blobs' ids. */
const unpack = (
  range: Range,
  plain: ArrayBuffer,
  lengths: readonly (number | PlainError)[],
  opened: Map<string, Opened>,
): void => {
  let offset = 0;
  for (const [at, length] of lengths.entries()) {
    const { id } = range.blobs[at] as PackEntry;
    if (typeof length === 'number') {
      opened.set(id, new Uint8Array(plain, offset, length));
      offset += length;
    } else opened.set(id, errorOf(length));
  }
};
