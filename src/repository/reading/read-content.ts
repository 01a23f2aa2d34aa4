// A file's content as a stream: windows of blobs are opened ahead of the reader, in bounded memory.
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import { localFolderOf } from '#stores/store.ts';
import type { Session } from '../session.ts';
import type { BlobReader, Opened } from './blob-reader.ts';

/** Windows of a local repository are small: what a worker opened is still in the processor's caches when it is written. */
const nearby = { windowBytes: 1024 * 1024, ahead: 8 };
/** Those of a distant one are large, for each costs a request. */
const distant = { windowBytes: 4 * 1024 * 1024, ahead: 3 };

/** The plaintext size of a blob as the index knows it; 0 when it does not. */
export const blobSize = (session: Session, id: string): number => {
  const location = session.blobs.locate(id, 'data');
  return location ? location.plainLength || location.length - 32 : 0;
};

/** The plaintexts of blobs in order, verified; each view is good until a later pull. REPOSITORY_DAMAGED at the first that is missing or wrong. */
export async function* readContent(
  session: Session,
  reader: BlobReader,
  ids: Iterable<string>,
): AsyncGenerator<Uint8Array> {
  for await (const window of openWindows(session, reader, ids))
    yield* openedInOrder(window.blobs, window.ids);
}

/** The same, each blob as it is. */
export async function* readBlobs(
  session: Session,
  reader: BlobReader,
  ids: Iterable<string>,
): AsyncGenerator<Uint8Array> {
  for await (const window of openWindows(session, reader, ids))
    for (const id of window.ids) yield opened(window.blobs, id);
}

/** Blobs that are opened together. */
interface Window {
  readonly ids: readonly string[];
  readonly blobs: Map<string, Opened>;
}

/** Each is good until the next is asked for. */
async function* openWindows(
  session: Session,
  reader: BlobReader,
  ids: Iterable<string>,
): AsyncGenerator<Window> {
  const fetchWindow = async (ids: readonly string[]): Promise<Window> => ({
    ids,
    blobs: await reader.fetch(ids, 'data'),
  });
  const { windowBytes, ahead } = localFolderOf(session.store) === undefined ? distant : nearby;
  const windows = windowsOf(session, ids, windowBytes);
  for await (const window of mapOrdered(windows, ahead, fetchWindow)) {
    yield window;
    reader.release(window.blobs);
  }
}

/**
 * The blobs one after the other, or, in its turn, the error of one. Those that lie side by side in memory are given as one: of a table
 * a hundred do, and whoever takes them does much for each piece.
 */
export function* openedInOrder(
  blobs: ReadonlyMap<string, Opened>,
  ids: Iterable<string>,
): Generator<Uint8Array> {
  let piece: Uint8Array = new Uint8Array(0);
  let end = 0;
  for (const id of ids) {
    const blob = blobs.get(id);
    if (blob instanceof Uint8Array && blob.buffer === piece.buffer && blob.byteOffset === end) {
      end += blob.length;
      continue;
    }
    yield* upTo(end, piece);
    piece = opened(blobs, id);
    end = piece.byteOffset + piece.length;
  }
  yield* upTo(end, piece);
}

function* upTo(end: number, { buffer, byteOffset }: Uint8Array): Generator<Uint8Array> {
  if (end > byteOffset) yield new Uint8Array(buffer, byteOffset, end - byteOffset);
}

/** The blob, or its error thrown. */
export const opened = (blobs: ReadonlyMap<string, Opened>, id: string): Uint8Array => {
  const blob = blobs.get(id);
  if (blob instanceof Uint8Array) return blob;
  throw blob ?? new HoldfastError('REPOSITORY_DAMAGED', `data blob ${id} could not be read`);
};

function* windowsOf(session: Session, ids: Iterable<string>, windowBytes: number): Generator<string[]> {
  let window: string[] = [];
  let bytes = 0;
  for (const id of ids) {
    window.push(id);
    bytes += blobSize(session, id);
    if (bytes >= windowBytes) {
      yield window;
      window = [];
      bytes = 0;
    }
  }
  if (window.length > 0) yield window;
}
