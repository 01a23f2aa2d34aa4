// The entries of a restore, one database after the other.
import { PlacedEntries, type PlacedEntry } from '../placed-entries.ts';
import type { Entry } from '../source.ts';
import { kind, type Place, parsePath } from './layout.ts';

export type RowsPlace = Extract<Place, { readonly kind: 'table' | 'large-objects' }>;
export type RowsEntry = PlacedEntry<RowsPlace>;

export class EntryStream extends PlacedEntries<Place> {
  constructor(entries: AsyncIterable<Entry>) {
    super(entries, { kind, parsePath });
  }

  /** Files with rows of the database, as long as nothing else comes. Large objects are defined alone, before their bytes come. */
  async *rows(database: string): AsyncGenerator<RowsEntry> {
    for (let isFirst = true; ; isFirst = false) {
      const entry = await this.peek();
      if (!entry || !hasRows(entry) || entry.place.database !== database) return;
      const isAlone = entry.place.kind === 'large-objects' && entry.place.group === 'definitions';
      if (isAlone && !isFirst) return;
      this.skip();
      yield entry;
      if (isAlone) return;
    }
  }
}

const hasRows = (entry: PlacedEntry<Place>): entry is RowsEntry =>
  entry.place.kind === 'table' || entry.place.kind === 'large-objects';
