// The entries of a restore, one database after the other.
import { PlacedEntries, type PlacedEntry } from '../placed-entries.ts';
import type { Entry } from '../source.ts';
import { kind, type Place, parsePath } from './layout.ts';

export type RowsPlace = Extract<Place, { readonly kind: 'rows' }>;
export type RowsEntry = PlacedEntry<RowsPlace>;

export class EntryStream extends PlacedEntries<Place> {
  constructor(entries: AsyncIterable<Entry>) {
    super(entries, { kind, parsePath });
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
}

const hasRows = (entry: PlacedEntry<Place>): entry is RowsEntry => entry.place.kind === 'rows';
