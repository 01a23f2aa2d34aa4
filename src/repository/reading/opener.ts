// Opens what lies in packs: verifies, decrypts and decompresses blobs. In worker threads, and without one where little is read.
import { hash } from 'node:crypto';
import { messageOf } from '#lib/errors.ts';
import { type PlainError, plainError } from '#lib/plain-error.ts';
import { type PackEntry, packKey, tooLarge } from '../packs/blob.ts';
import { areSameEntries, decodeHeader, lengthBytes } from '../packs/pack-format.ts';
import { PackReader } from '../packs/pack-reader.ts';
import { spareBytes } from '../sealing/compression.ts';
import { overheadBytes, Sealer } from '../sealing/seal.ts';
import { openBlob } from './open-blob.ts';
import type { BlobsRequest, OpenReply, OpenRequest, OpenWorkerData, PackRequest } from './open-messages.ts';

export class Opener {
  readonly #sealer: Sealer;
  readonly #packs: PackReader;

  constructor({ key, localFolder }: OpenWorkerData) {
    this.#sealer = new Sealer(key);
    this.#packs = new PackReader(localFolder);
  }

  /** Does what is asked at once; failures of single blobs are in the reply. */
  answer(request: OpenRequest): OpenReply {
    return request.kind === 'blobs' ? this.#openBlobs(request) : this.#checkPack(request);
  }

  #openBlobs(request: BlobsRequest): OpenReply {
    const { pack, blobs } = request;
    let problem: PlainError | undefined;
    try {
      this.#packs.load(pack, request.bytes, request);
    } catch (error) {
      problem = plainError(error);
    }
    const total = spareBytes + blobs.reduce((sum, blob) => sum + (blob.plainLength || plainBytes(blob)), 0);
    const plain = request.spare && request.spare.byteLength >= total ? request.spare : new ArrayBuffer(total);
    const room = new Uint8Array(plain);
    let at = 0;
    const lengths: (number | PlainError)[] = problem ? blobs.map(() => problem) : [];
    if (!problem)
      this.#packs.openEach(this.#sealer, blobs, (opened, blob) => {
        try {
          const { length } = openBlob(opened, blob.id, { ...blob, pack }, room.subarray(at));
          at += length;
          lengths.push(length);
        } catch (error) {
          lengths.push(plainError(error));
        }
      });
    return { kind: 'blobs', request: request.request, plain, lengths };
  }

  #checkPack({ request, pack, entries, bytes }: PackRequest): OpenReply {
    const name = packKey(pack);
    const problems: string[] = [];
    let size = 0;
    try {
      size = this.#packs.load(pack, bytes);
      const content = this.#packs.poly.buffer.subarray(0, size);
      if (hash('sha256', content, 'hex') !== pack)
        problems.push(`${name} is damaged: its content does not fit its name`);
      problems.push(...this.#checkHeader(name, content, entries));
      const readable: PackEntry[] = [];
      for (const blob of entries) {
        const why = tooLarge(blob.type, blob);
        if (blob.offset + blob.length > size) problems.push(`blob ${blob.id} lies beyond the end of ${name}`);
        else if (why !== undefined) problems.push(`blob ${blob.id} in ${name} is damaged: ${why}`);
        else readable.push(blob);
      }
      this.#packs.openEach(this.#sealer, readable, (opened, blob) => {
        try {
          openBlob(opened, blob.id, { ...blob, pack });
        } catch (error) {
          problems.push(messageOf(error));
        }
      });
    } catch (error) {
      problems.push(messageOf(error));
    }
    return { kind: 'pack', request, bytes: size, problems };
  }

  #checkHeader(name: string, pack: Uint8Array, indexed: readonly PackEntry[]): string[] {
    const view = new DataView(pack.buffer, pack.byteOffset, pack.byteLength);
    const length = pack.length >= lengthBytes ? view.getUint32(pack.length - lengthBytes, true) : 0;
    const start = pack.length - lengthBytes - length;
    if (length < overheadBytes || start < 0) return [`${name} is damaged: it has no header`];
    const header = this.#sealer.tryOpen(pack.subarray(start, start + length));
    if (!header) return [`${name} is damaged: its header's authentication code does not fit`];
    try {
      return areSameEntries(decodeHeader(header), indexed)
        ? []
        : [`${name}: its header and the index do not list the same blobs`];
    } catch (error) {
      return [`${name} is damaged: ${messageOf(error)}`];
    }
  }
}

/** Of one that is not compressed; an index that is wrong may say that there is less than its seal. */
const plainBytes = ({ length }: PackEntry): number => Math.max(0, length - overheadBytes);
