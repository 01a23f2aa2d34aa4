// The entries of a restore, one database after the other.
import { PlacedEntries, type PlacedEntry } from '../placed-entries.ts';
import type { Entry } from '../source.ts';
import { kind, type Place, parsePath } from './layout.ts';

export type RowsPlace = Extract<Place, { readonly kind: 'rows' }>;
export type RowsEntry = PlacedEntry<RowsPlace>;

export class EntryStream extends PlacedEntries<Place> {
  constructor(entries: AsyncIterable<Entry>) {
    super(entries, { kind, parsePath: (path) => withoutHelpers(parsePath(path)) });
  }

  /** The server's own backup comes next, instead of rows. */
  async isNative(): Promise<boolean> {
    return (await this.peek())?.place.kind === 'native';
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
}

const isRows = (entry: PlacedEntry<Place>): entry is RowsEntry => entry.place.kind === 'rows';

/** What is for sqlcmd only is passed over. */
const withoutHelpers = (place: Place): Place | undefined => (place.kind === 'helper' ? undefined : place);
