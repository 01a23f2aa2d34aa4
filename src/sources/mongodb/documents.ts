// A stream of BSON cut into documents, and these gathered into what fits into one message.
import { HoldfastError } from '#lib/errors.ts';
import type { Content } from '../source.ts';

export interface Batch {
  readonly documents: readonly Uint8Array[];
  readonly bytes: number;
}

export interface BatchLimits {
  readonly bytes: number;
  readonly documents: number;
}

/** No server takes a larger document: 16 MiB, and a little more for those that the server itself writes. */
const largestDocument = 16 * 1024 * 1024 + 16 * 1024;
const smallestDocument = 5;

/** Batches of whole documents; a document that is larger than the limit comes alone. ITEM_UNREADABLE for what is no BSON. */
export async function* batchesOf(content: Content, limits: BatchLimits): AsyncGenerator<Batch> {
  let documents: Uint8Array[] = [];
  let bytes = 0;
  for await (const document of documentsOf(content)) {
    const isFull = bytes + document.length > limits.bytes || documents.length === limits.documents;
    if (isFull && documents.length > 0) {
      yield { documents, bytes };
      documents = [];
      bytes = 0;
    }
    documents.push(document);
    bytes += document.length;
  }
  if (documents.length > 0) yield { documents, bytes };
}

/** The documents, each valid for as long as it is kept. */
export async function* documentsOf(content: Content): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of joined(content)) {
    // The chunk may be reused by whoever made it.
    const bytes = Buffer.concat([rest, chunk]);
    let at = 0;
    while (at + 4 <= bytes.length) {
      const length = bytes.readInt32LE(at);
      if (length < smallestDocument || length > largestDocument)
        throw damaged('begins with an impossible length');
      if (at + length > bytes.length) break;
      if (bytes[at + length - 1] !== 0) throw damaged('does not end as documents do');
      yield bytes.subarray(at, at + length);
      at += length;
    }
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) throw damaged('ends in the middle');
}

/** Chunks that are not tiny, so that a large document is not put together again and again. */
async function* joined(content: Content): AsyncGenerator<Uint8Array> {
  let pending: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    pending.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes < joinedBytes) continue;
    yield Buffer.concat(pending, bytes);
    pending = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(pending, bytes);
}

const joinedBytes = 1024 * 1024;

const damaged = (how: string): HoldfastError =>
  new HoldfastError('ITEM_UNREADABLE', `a BSON document ${how}`, {
    hint: 'verify the snapshot, and restore from another one',
  });
