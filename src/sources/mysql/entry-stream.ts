// The entries of a restore, one database after the other.
import type { Content, Entry } from '../source.ts';
import { assertSafePath, type Place, parsePath } from './layout.ts';

/** A file of the backup. */
export interface PlacedEntry {
  readonly path: string;
  readonly place: Place;
  readonly content: () => Content;
}

export type RowsPlace = Extract<Place, { readonly kind: 'rows' }>;
export interface RowsEntry extends PlacedEntry {
  readonly place: RowsPlace;
}

/** Looks one file ahead. Paths that are no part of a backup are refused as they come. */
export class EntryStream {
  readonly #entries: AsyncIterator<Entry>;
  #ahead: PlacedEntry | undefined;

  constructor(entries: AsyncIterable<Entry>) {
    this.#entries = entries[Symbol.asyncIterator]();
  }

  /** The next file; it stays the next. */
  async peek(): Promise<PlacedEntry | undefined> {
    while (!this.#ahead) {
      const { value, done } = await this.#entries.next();
      if (done) return undefined;
      const { path, type, content } = value;
      if (path !== '') assertSafePath(path);
      if (type === 'file' && content) this.#ahead = { path, place: parsePath(path), content };
    }
    return this.#ahead;
  }

  /** Goes on to the file after the next. */
  skip(): void {
    this.#ahead = undefined;
  }

  /** Files with rows of the database, as long as nothing else comes. */
  async *rows(database: string): AsyncGenerator<RowsEntry> {
    for (;;) {
      const entry = await this.peek();
      if (!entry || !hasRows(entry) || entry.place.database !== database) return;
      this.skip();
      yield entry;
    }
  }

  async close(): Promise<void> {
    await this.#entries.return?.();
  }
}

const hasRows = (entry: PlacedEntry): entry is RowsEntry => entry.place.kind === 'rows';
