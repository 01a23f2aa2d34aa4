// The files of a restore as they come, each with its place in the layout of its kind, one of them ahead.
import { assertSafePath } from './safe-path.ts';
import type { Content, Entry } from './source.ts';

/** A file of the backup. */
export interface PlacedEntry<Place> {
  readonly path: string;
  readonly place: Place;
  readonly content: () => Content;
}

/** What a kind of source has where. */
export interface Layout<Place> {
  /** For messages: 'a PostgreSQL server'. */
  readonly kind: string;
  /** Throws for a path that is no part of such a backup; undefined for a file that a restore has no use for. */
  parsePath(path: string): Place | undefined;
}

/** Looks one file ahead. Paths that are no part of a backup are refused as they come. */
export class PlacedEntries<Place> {
  readonly #entries: AsyncIterator<Entry>;
  readonly #layout: Layout<Place>;
  #ahead: PlacedEntry<Place> | undefined;

  constructor(entries: AsyncIterable<Entry>, layout: Layout<Place>) {
    this.#entries = entries[Symbol.asyncIterator]();
    this.#layout = layout;
  }

  /** The next file; it stays the next. */
  async peek(): Promise<PlacedEntry<Place> | undefined> {
    while (!this.#ahead) {
      const { value, done } = await this.#entries.next();
      if (done) return undefined;
      const { path, type, content } = value;
      if (path !== '') assertSafePath(path, this.#layout.kind);
      if (type !== 'file' || !content) continue;
      const place = this.#layout.parsePath(path);
      if (place) this.#ahead = { path, place, content };
    }
    return this.#ahead;
  }

  /** Goes on to the file after the next. */
  skip(): void {
    this.#ahead = undefined;
  }

  async close(): Promise<void> {
    await this.#entries.return?.();
  }
}
