// The ids and leaf revisions of changed documents, by partition, in as little memory as that takes: about their own length.
import { throwIfCancelled } from '#lib/clock.ts';
import type { CouchClient } from './http.ts';
import { type Partition, partitionOf } from './layout.ts';
import { type Change, changesPage } from './server.ts';

const pageSize = 25_000;

export interface Changed {
  /** Where the feed stood when its end was reached: what comes later is for the next backup. */
  readonly lastSeq: string;
  /** Rows of the feed; a document that changed while it was read comes twice. */
  readonly rows: number;
  readonly partitions: readonly Partition[];
  /** The documents of a partition, each once, in no order. */
  of(partition: Partition): ReadonlyMap<string, readonly string[]>;
}

/** Reads the feed from a sequence to its end. */
export const readChanges = async (
  client: CouchClient,
  { database, since, depth, signal }: { database: string; since: string; depth: number; signal: AbortSignal },
): Promise<Changed> => {
  const lists = new Map<Partition, PackedList>();
  let [at, rows] = [since, 0];
  for (let isLast = false; !isLast; ) {
    throwIfCancelled(signal);
    const page = await changesPage(client, database, at, pageSize);
    for (const change of page.changes) {
      const partition = partitionOf(change.id, depth);
      const list = lists.get(partition) ?? new PackedList();
      list.push(change);
      lists.set(partition, list);
    }
    rows += page.changes.length;
    at = page.lastSeq;
    isLast = page.isLast;
  }
  return {
    lastSeq: at,
    rows,
    partitions: [...lists.keys()],
    of: (partition) => new Map(lists.get(partition)?.entries()),
  };
};

/** Changes as JSON lines in one growing buffer. */
class PackedList {
  #bytes = Buffer.alloc(256);
  #length = 0;

  push({ id, revs }: Change): void {
    const line = `${JSON.stringify([id, ...revs])}\n`;
    const needed = this.#length + 3 * line.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.ceil(needed * 1.4));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(line, this.#length);
  }

  *entries(): Generator<[string, readonly string[]]> {
    for (const line of this.#bytes.toString('utf8', 0, this.#length).split('\n')) {
      if (line === '') return;
      const [id, ...revs] = JSON.parse(line) as [string, ...string[]];
      yield [id, revs];
    }
  }
}
