// The entries of a restore, one database after the other.
import type { Content, Entry } from '../source.ts';
import { assertSafePath, type Place, parsePath } from './layout.ts';

/** A file of the backup. */
export interface PlacedEntry {
  readonly path: string;
  readonly place: Place;
  readonly content: () => Content;
}

export interface RowsEntry extends PlacedEntry {
  readonly place: Extract<Place, { readonly kind: 'rows' }>;
}

/** Looks one file ahead. Paths that are no part of a backup are refused as they come. */
export class EntryStream {
  readonly #entries: AsyncIterator<Entry>;
  #ahead: PlacedEntry | undefined;

  constructor(entries: AsyncIterable<Entry>) {
    this.#entries = entries[Symbol.asyncIterator]();
  }

  /** The next file; it stays the next. What is for sqlcmd only is passed over. */
  async peek(): Promise<PlacedEntry | undefined> {
    while (!this.#ahead) {
      const { value, done } = await this.#entries.next();
      if (done) return undefined;
      const { path, type, content } = value;
      if (path !== '') assertSafePath(path);
      if (type !== 'file' || !content) continue;
      const place = parsePath(path);
      if (place.kind !== 'helper') this.#ahead = { path, place, content };
    }
    return this.#ahead;
  }

  /** Goes on to the file after the next. */
  skip(): void {
    this.#ahead = undefined;
  }

  /** Files with rows of the database, as long as nothing else comes. */
  async *rows(database: string): AsyncGenerator<RowsEntry> {
    for (
      let entry = await this.peek();
      entry && isRows(entry) && entry.place.database === database;
      entry = await this.peek()
    ) {
      this.skip();
      yield entry;
    }
  }

  async close(): Promise<void> {
    await this.#entries.return?.();
  }
}

const isRows = (entry: PlacedEntry): entry is RowsEntry => entry.place.kind === 'rows';
