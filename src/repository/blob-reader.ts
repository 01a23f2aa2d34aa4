// The coordinator of the read path: groups the blobs that are wanted into ranges of packs and has workers open them.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Semaphore } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import { workerUrl } from '#lib/worker-url.ts';
import { localFolderOf } from '#stores/store.ts';
import { type BlobType, type PackEntry, packKey } from './blob.ts';
import type { IndexedPack } from './index-file.ts';
import { locateBlob } from './load-blob.ts';
import type { OpenReply, OpenRequest, OpenWorkerData } from './open-messages.ts';
import type { Session } from './session.ts';

/** Ranges are read whole across gaps up to this, … */
const gapBytes = 256 * 1024;
/** … and are not made longer than this. */
const rangeBytes = 4 * 1024 * 1024;

export type Opened = Uint8Array | HoldfastError;

interface Range {
  readonly pack: string;
  offset: number;
  length: number;
  readonly blobs: PackEntry[];
}

interface OpenWorker {
  readonly thread: Worker;
  busy: number;
}

type WithoutRequest<Request> = Request extends OpenRequest ? Omit<Request, 'request'> : never;

export class BlobReader implements AsyncDisposable {
  readonly #session: Session;
  readonly #localFolder: string | undefined;
  readonly #workers: readonly OpenWorker[];
  readonly #gets: Semaphore;
  readonly #requests = new Map<number, { resolve(reply: OpenReply): void; reject(error: unknown): void }>();
  #nextRequest = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#localFolder = localFolderOf(session.store);
    this.#gets = new Semaphore(session.store.connections);
    const workerData: OpenWorkerData = { key: session.key, localFolder: this.#localFolder };
    this.#workers = Array.from({ length: Math.min(8, availableParallelism()) }, () =>
      this.#startWorker(workerData),
    );
  }

  /** The blobs' plaintexts by id; an error stands in the place of one that is missing or damaged. */
  async fetch(ids: Iterable<string>, type: BlobType): Promise<Map<string, Opened>> {
    const opened = new Map<string, Opened>();
    const found: (PackEntry & { readonly pack: string })[] = [];
    for (const id of new Set(ids)) {
      try {
        found.push({ ...locateBlob(this.#session, id, type), id, type });
      } catch (error) {
        opened.set(id, error as HoldfastError);
      }
    }
    await Promise.all(
      toRanges(found).map(async (range) => {
        const reply = await this.#open(range);
        if (reply.kind !== 'blobs') return;
        for (const [at, plain] of reply.plain.entries())
          opened.set(
            (range.blobs[at] as PackEntry).id,
            plain instanceof Uint8Array
              ? plain
              : new HoldfastError(plain.code, plain.message, { hint: plain.hint }),
          );
      }),
    );
    return opened;
  }

  /** What is wrong with a pack, all of which is read. */
  async checkPack({ id, entries }: IndexedPack): Promise<{ bytes: number; problems: readonly string[] }> {
    const bytes =
      this.#localFolder === undefined
        ? await this.#gets.run(() => this.#session.store.get(packKey(id)))
        : undefined;
    const reply = await this.#ask({ kind: 'pack', pack: id, entries, ...(bytes && { bytes }) });
    return reply.kind === 'pack' ? reply : { bytes: 0, problems: [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failAll(new HoldfastError('CANCELLED', 'the reader is closed'));
    await Promise.all(this.#workers.map(({ thread }) => thread.terminate()));
  }

  async #open(range: Range): Promise<OpenReply> {
    const { pack, offset, length, blobs } = range;
    if (this.#localFolder !== undefined) return this.#ask({ kind: 'blobs', pack, offset, length, blobs });
    const bytes = await this.#gets.run(() => this.#session.store.get(packKey(pack), { offset, length }));
    return this.#ask({ kind: 'blobs', pack, offset, length, blobs, bytes });
  }

  #ask(message: WithoutRequest<OpenRequest>): Promise<OpenReply> {
    const request = this.#nextRequest++;
    const worker = this.#workers.reduce((least, other) => (other.busy < least.busy ? other : least));
    worker.busy += 1;
    return new Promise<OpenReply>((resolve, reject) => {
      this.#requests.set(request, { resolve, reject });
      worker.thread.postMessage({ ...message, request });
    }).finally(() => {
      worker.busy -= 1;
    });
  }

  #startWorker(workerData: OpenWorkerData): OpenWorker {
    const thread = new Worker(workerUrl(import.meta.url, './open-worker'), { workerData });
    thread.on('message', (reply: OpenReply) => {
      const waiting = this.#requests.get(reply.request);
      this.#requests.delete(reply.request);
      waiting?.resolve(reply);
    });
    thread.on('error', (cause) =>
      this.#failAll(new HoldfastError('FAILED', `a worker thread ended: ${String(cause)}`, { cause })),
    );
    return { thread, busy: 0 };
  }

  #failAll(error: HoldfastError): void {
    for (const { reject } of this.#requests.values()) reject(error);
    this.#requests.clear();
  }
}

const toRanges = (blobs: (PackEntry & { readonly pack: string })[]): Range[] => {
  blobs.sort((a, b) => (a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1));
  const ranges: Range[] = [];
  let last: Range | undefined;
  for (const { pack, id, type, offset, length, plainLength } of blobs) {
    const blob = { id, type, offset, length, plainLength };
    const end = offset + length;
    if (
      last &&
      last.pack === pack &&
      offset - (last.offset + last.length) <= gapBytes &&
      end - last.offset <= rangeBytes
    ) {
      last.blobs.push(blob);
      last.length = end - last.offset;
    } else {
      last = { pack, offset, length, blobs: [blob] };
      ranges.push(last);
    }
  }
  return ranges;
};
