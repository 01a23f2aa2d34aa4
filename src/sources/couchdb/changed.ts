// The ids and leaf revisions of changed documents, by partition, in as little memory as that takes: about their own length.
import { setImmediate as otherWork } from 'node:timers/promises';
import { throwIfCancelled } from '#lib/clock.ts';
import type { CouchClient } from './http.ts';
import { type Partition, partitionOf } from './layout.ts';
import type { Leaf } from './leaf.ts';
import { type Change, type ChangesPage, changesPage } from './server.ts';

const pageSize = 25_000;

export interface Changed {
  /** Where the feed stood when its end was reached: what comes later is for the next backup. */
  readonly lastSeq: string;
  /** Rows of the feed; a document that changed while it was read comes twice. */
  readonly rows: number;
  readonly partitions: readonly Partition[];
  /** The documents of a partition, each once, in no order. */
  of(partition: Partition): ReadonlyMap<string, ChangedDocument>;
}

export interface ChangedDocument extends Change {
  /** All it has, once they have been fetched; none when it was purged meanwhile. */
  leaves: readonly Leaf[];
  /** Why it could not be read. */
  failure?: Error;
}

/** Reads the feed from a sequence to its end. */
export const readChanges = async (
  client: CouchClient,
  { database, since, depth, signal }: { database: string; since: string; depth: number; signal: AbortSignal },
): Promise<Changed> => {
  const lists = new Map<Partition, PackedList>();
  let [lastSeq, rows] = [since, 0];
  for await (const page of pagesOf(client, database, since)) {
    throwIfCancelled(signal);
    for (const change of page.changes) {
      const partition = partitionOf(change.id, depth);
      const list = lists.get(partition) ?? new PackedList();
      list.push(change);
      lists.set(partition, list);
    }
    rows += page.changes.length;
    lastSeq = page.lastSeq;
  }
  return {
    lastSeq,
    rows,
    partitions: [...lists.keys()],
    of: (partition) => new Map(lists.get(partition)?.documents()),
  };
};

/** The feed from a sequence to its end; the server prepares the next page while one is looked at. */
async function* pagesOf(client: CouchClient, database: string, since: string): AsyncGenerator<ChangesPage> {
  let page = await changesPage(client, database, since, pageSize);
  while (!page.isLast) {
    const next = changesPage(client, database, page.lastSeq, pageSize);
    next.catch(() => {}); // observed when its turn comes
    await otherWork(); // which sends the request
    yield page;
    page = await next;
  }
  yield page;
}

/** Changes as a JSON array in one growing buffer. */
class PackedList {
  #bytes = Buffer.alloc(256);
  #length = 0;

  push({ id, revs }: Change): void {
    const text = `${this.#length === 0 ? '[' : ','}${JSON.stringify([id, revs])}`;
    const needed = this.#length + 3 * text.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.ceil(needed * 1.4));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(text, this.#length);
  }

  documents(): [string, ChangedDocument][] {
    const text = this.#bytes.toString('utf8', 0, this.#length);
    const changes = JSON.parse(`${text}]`) as [string, readonly string[]][];
    return changes.map(([id, revs]) => [id, { id, revs, leaves: [] }]);
  }
}
