// One dump for several repositories: each entry and each piece of its content is read once, and handed to all before the next
// is read. Nothing is gathered, so the slowest repository sets the pace; one that fails leaves, and the others go on.
import type { Entry, Previous, PreviousEntry } from '#sources/source.ts';

/** What one of the repositories reads. */
export interface Branch {
  readonly entries: AsyncIterable<Entry>;
  /** It reads no more; to be called whatever happened, so that nobody waits for it. */
  leave(): void;
}

/** As many branches as are asked for. A branch may leave out contents, but must open one before it asks for the next entry. */
export const tee = (entries: AsyncIterable<Entry>, count: number): Branch[] => {
  if (count === 1) return [{ entries, leave: () => {} }]; // nobody to keep in step with
  const members = Array.from({ length: count }, (_, at) => at);
  const rounds: Lockstep<SharedEntry> = new Lockstep(
    () => sharedEntries(entries, () => rounds.members),
    members,
  );
  return members.map((member) => branchOf(rounds, member));
};

interface SharedEntry {
  readonly entry: Entry;
  readonly content?: Lockstep<Uint8Array>;
}

async function* sharedEntries(
  entries: AsyncIterable<Entry>,
  members: () => Iterable<number>,
): AsyncGenerator<SharedEntry> {
  for await (const entry of entries)
    yield entry.content
      ? { entry, content: new Lockstep(() => entry.content?.() ?? [], members()) }
      : { entry };
}

const branchOf = (rounds: Lockstep<SharedEntry>, member: number): Branch => {
  const open = new Set<Lockstep<Uint8Array>>();
  const leave = (): void => {
    rounds.leave(member);
    for (const content of open) content.leave(member);
    open.clear();
  };
  async function* read(content: Lockstep<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* content.read(member);
    } finally {
      open.delete(content);
    }
  }
  async function* branch(): AsyncGenerator<Entry> {
    try {
      for await (const { entry, content } of rounds.read(member)) {
        if (!content) {
          yield entry;
          continue;
        }
        let opened = false;
        open.add(content);
        yield {
          ...entry,
          content: () => {
            opened = true;
            return read(content);
          },
        };
        if (opened) continue;
        open.delete(content);
        content.leave(member);
      }
    } finally {
      rounds.leave(member);
    }
  }
  return { entries: branch(), leave };
};

/** A sequence that several read together: the next item is pulled when each of them has asked for it. */
class Lockstep<Item> {
  readonly members: Set<number>;
  readonly #open: () => Iterable<Item> | AsyncIterable<Item>;
  readonly #waiting = new Set<number>();
  #iterator: Iterator<Item> | AsyncIterator<Item> | undefined;
  #round = Promise.withResolvers<IteratorResult<Item>>();

  constructor(open: () => Iterable<Item> | AsyncIterable<Item>, members: Iterable<number>) {
    this.#open = open;
    this.members = new Set(members);
  }

  async *read(member: number): AsyncGenerator<Item> {
    try {
      while (this.members.has(member)) {
        const round = this.#round.promise;
        this.#waiting.add(member);
        this.#advanceWhenAllWait();
        const { done, value } = await round;
        if (done) return;
        yield value;
      }
    } finally {
      this.leave(member);
    }
  }

  /** The others wait for this one no longer; when none is left, the sequence is closed. */
  leave(member: number): void {
    this.#waiting.delete(member);
    if (!this.members.delete(member)) return;
    if (this.members.size > 0) this.#advanceWhenAllWait();
    else void this.#close();
  }

  #advanceWhenAllWait(): void {
    if (this.#waiting.size === 0 || this.#waiting.size < this.members.size) return;
    const { resolve, reject } = this.#round;
    this.#round = Promise.withResolvers();
    this.#waiting.clear();
    this.#pull().then(resolve, reject);
  }

  async #pull(): Promise<IteratorResult<Item>> {
    this.#iterator ??= iteratorOf(this.#open());
    return this.#iterator.next();
  }

  /** What a source does as it closes concerns nobody any more: all have what they wanted, or an error of their own. */
  async #close(): Promise<void> {
    try {
      await this.#iterator?.return?.();
    } catch {}
  }
}

const iteratorOf = <Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): Iterator<Item> | AsyncIterator<Item> =>
  Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();

/**
 * The earlier snapshots of several repositories as one: an entry is known when all of them have it, and the same one, so that
 * what the source calls unchanged can be carried over in each.
 */
export const commonPrevious = (all: readonly (Previous | undefined)[]): Previous | undefined => {
  const [first, ...others] = all;
  if (first === undefined || others.some((other) => other === undefined)) return undefined;
  if (others.length === 0) return first;
  return {
    begun: all.reduce((least, { begun } = first) => (begun < least ? begun : least), first.begun),
    async entry(path) {
      const found = await first.entry(path);
      for (const other of others) {
        if (found === undefined) return undefined;
        if (!isSame(found, await other?.entry(path))) return undefined;
      }
      return found;
    },
  };
};

const isSame = (one: PreviousEntry, other: PreviousEntry | undefined): boolean =>
  other !== undefined &&
  one.type === other.type &&
  one.meta.size === other.meta.size &&
  one.meta.mtime === other.meta.mtime &&
  one.meta.ctime === other.meta.ctime &&
  one.meta.inode === other.meta.inode;
