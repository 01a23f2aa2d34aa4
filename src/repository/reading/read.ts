// From a snapshot to entries with content: small files are opened in groups ahead of the reader, big ones as streams.
import { mapOrdered } from '#lib/concurrency.ts';
import type { Entry } from '#sources/source.ts';
import type { ListedEntry, ReadOptions, Snapshot } from '../contract.ts';
import { readInLayers } from '../rows/read-layers.ts';
import type { Session } from '../session.ts';
import { walkSnapshot } from '../trees/walk.ts';
import type { BlobReader, Opened } from './blob-reader.ts';
import { blobSize, openedInOrder, readContent } from './read-content.ts';

/** A group is closed at so many bytes or entries; a file that is larger is streamed by itself. */
const groupBytes = 2 * 1024 * 1024;
const groupEntries = 1024;
const groupsAhead = 4;

interface Group {
  readonly entries: ListedEntry[];
  readonly ids: string[];
  bytes: number;
}

/** See Repository.read. */
export async function* readSnapshot(
  session: Session,
  reader: BlobReader,
  snapshot: Snapshot,
  options: ReadOptions,
): AsyncGenerator<Entry> {
  const fetchGroup = async (group: Group): Promise<{ group: Group; blobs: Map<string, Opened> }> => ({
    group,
    blobs: await reader.fetch(group.ids, 'data'),
  });
  const groups = toGroups(session, walkSnapshot(session, snapshot, options));
  for await (const { group, blobs } of mapOrdered(groups, groupsAhead, fetchGroup)) {
    for (const listed of group.entries) yield toEntry(session, reader, listed, blobs);
    if (options.oneByOne) reader.release(blobs);
  }
}

async function* toGroups(session: Session, entries: AsyncIterable<ListedEntry>): AsyncGenerator<Group> {
  let group: Group = { entries: [], ids: [], bytes: 0 };
  for await (const listed of entries) {
    let size = listed.inLayers ? groupBytes + 1 : 0;
    if (!listed.inLayers) for (const id of listed.blobs) size += blobSize(session, id);
    group.entries.push(listed);
    if (size <= groupBytes) {
      for (const id of listed.blobs) group.ids.push(id); // a million, where a stranger has a blob of a single byte repeat
      group.bytes += size;
    }
    if (group.bytes < groupBytes && group.entries.length < groupEntries && size <= groupBytes) continue;
    yield group;
    group = { entries: [], ids: [], bytes: 0 };
  }
  if (group.entries.length > 0) yield group;
}

const toEntry = (
  session: Session,
  reader: BlobReader,
  { path, type, meta, blobs: ids, inLayers }: ListedEntry,
  blobs: ReadonlyMap<string, Opened>,
): Entry => {
  if (type !== 'file') return { path, type, meta };
  if (inLayers) return { path, type, meta, content: () => readInLayers({ session, reader }, inLayers) };
  const isAtHand = ids.every((id) => blobs.has(id));
  const content = (): Iterable<Uint8Array> | AsyncIterable<Uint8Array> =>
    isAtHand ? openedInOrder(blobs, ids) : readContent(session, reader, ids);
  return { path, type, meta, content };
};
