// A stream into stores: in pieces, the next one read while earlier ones travel, seen by nobody before it is whole.
import { createHash } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import { type LargeObject, largeObjectsOf, type Store } from '#stores/store.ts';
import type { Bytes } from './streams.ts';

/** An object that is written and not yet committed. */
export interface Written {
  readonly store: Store;
  readonly key: string;
  readonly token: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  commit(): Promise<void>;
  /** Of one that was committed, be it that only the answer was lost, nothing is removed. */
  abort(): Promise<void>;
}

export interface PutOptions {
  readonly signal: AbortSignal;
  /** Called when an object was begun that nobody sees yet, and when it is whole or has been given up. */
  onBegin?(store: Store, key: string, token: string): void;
  onEnd?(store: Store, key: string, token: string): void;
}

/** Reads the bytes once and writes them under the key into every store; how it went in each, in their order. Throws when reading fails. */
export const putStream = async (
  stores: readonly Store[],
  key: string,
  bytes: Bytes,
  options: PutOptions,
): Promise<(Written | Error)[]> => {
  const writers = await Promise.all(stores.map((store) => openWriter(store, key, options)));
  const working = (): Writer[] =>
    writers.filter((writer) => writer instanceof Writer && !writer.error) as Writer[];
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const chunk of bytes) {
      throwIfCancelled(options.signal);
      if (working().length === 0) break;
      hash.update(chunk);
      sizeBytes += chunk.length;
      await Promise.all(working().map((writer) => writer.write(chunk)));
    }
    await Promise.all(working().map((writer) => writer.end()));
    throwIfCancelled(options.signal);
  } catch (error) {
    for (const writer of writers) if (writer instanceof Writer) await writer.abort();
    throw error;
  }
  const sha256 = hash.digest('hex');
  return await Promise.all(
    writers.map(async (writer): Promise<Written | Error> => {
      if (!(writer instanceof Writer)) return writer;
      if (!writer.error) return writer.written(sizeBytes, sha256);
      await writer.abort();
      return writer.error;
    }),
  );
};

const openWriter = async (store: Store, key: string, options: PutOptions): Promise<Writer | Error> => {
  try {
    const large = largeObjectsOf(store);
    if (!large) throw new HoldfastError('UNSUPPORTED', `${store.location} takes no objects in pieces`);
    const object = await large.beginLarge(key);
    options.onBegin?.(store, key, object.token);
    return new Writer(store, key, object, () => options.onEnd?.(store, key, object.token));
  } catch (error) {
    return asError(error);
  }
};

/** Pieces that travel at once. */
const piecesUnderWay = 2;

/** Never throws: what goes wrong is kept, and the other stores go on. */
class Writer {
  readonly #store: Store;
  readonly #key: string;
  readonly #object: LargeObject;
  readonly #onEnd: () => void;
  readonly #travelling = new Set<Promise<void>>();
  #piece: Buffer;
  #filled = 0;
  #number = 0;
  #offset = 0;
  error: Error | undefined;

  constructor(store: Store, key: string, object: LargeObject, onEnd: () => void) {
    this.#store = store;
    this.#key = key;
    this.#object = object;
    this.#onEnd = onEnd;
    this.#piece = Buffer.alloc(0);
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#safely(async () => {
      for (let at = 0; at < chunk.length && !this.error; ) {
        const pieceBytes = this.#object.pieceBytes(this.#number);
        this.#makeRoom(Math.min(pieceBytes, this.#filled + chunk.length - at), pieceBytes);
        const part = chunk.subarray(at, at + pieceBytes - this.#filled);
        this.#piece.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
        if (this.#filled === pieceBytes) await this.#send();
      }
    });
  }

  async end(): Promise<void> {
    await this.#safely(async () => {
      if (this.#filled > 0 || this.#number === 0) await this.#send();
      await Promise.all(this.#travelling);
    });
  }

  written(sizeBytes: number, sha256: string): Written {
    const object = this.#object;
    let isTried = false;
    return {
      store: this.#store,
      key: this.#key,
      token: object.token,
      sizeBytes,
      sha256,
      commit: async () => {
        isTried = true;
        await object.commit();
        this.#onEnd();
      },
      abort: () => (isTried ? this.#abandon() : this.abort()),
    };
  }

  /** What cannot be removed now is not seen under the key either. */
  async abort(): Promise<void> {
    await Promise.all(this.#travelling);
    await this.#object.abort().then(this.#onEnd, () => {}); // noted as it is, for the next run
  }

  /** As the next run would. */
  async #abandon(): Promise<void> {
    const large = largeObjectsOf(this.#store);
    await large?.abandonLarge(this.#key, this.#object.token).then(this.#onEnd, () => {});
  }

  /** Small objects should not cost a whole piece of memory. */
  #makeRoom(needed: number, pieceBytes: number): void {
    if (needed <= this.#piece.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(needed, this.#piece.length * 2)));
    grown.set(this.#piece.subarray(0, this.#filled));
    this.#piece = grown;
  }

  async #send(): Promise<void> {
    const bytes = this.#piece.subarray(0, this.#filled);
    const piece = { number: this.#number, offset: this.#offset };
    const travel: Promise<void> = this.#object
      .putPiece(piece, bytes)
      .catch((error: unknown) => {
        this.error ??= asError(error);
      })
      .finally(() => this.#travelling.delete(travel));
    this.#travelling.add(travel);
    this.#number += 1;
    this.#offset += bytes.length;
    this.#piece = Buffer.alloc(0);
    this.#filled = 0;
    if (this.#travelling.size >= piecesUnderWay) await Promise.race(this.#travelling);
  }

  async #safely(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.error ??= asError(error);
    }
  }
}
