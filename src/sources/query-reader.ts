// The contract of sources that answer a user's own query, row by row: how a mirror learns which files there are.
import type { RowView, Source } from './source.ts';

/** An ability of sources with tables. Asked for by presence. */
export interface QueryReader {
  /** The query on one state of the database, until it is closed. */
  openQuery(text: string): Promise<QueryView>;
}

export interface QueryView extends AsyncDisposable, Pick<RowView, 'horizon'> {
  /** All rows, a few at a time; or those whose time is not long before a position, and those without one. */
  rows(since?: QuerySince): AsyncIterable<readonly QueryRow[]>;
}

/** By the names of its columns, with values as JSON has them; times are in UTC, or as the database has them where it keeps no zone. */
export type QueryRow = Readonly<Record<string, unknown>>;

export interface QuerySince {
  /** A column of the query that holds a time. */
  readonly column: string;
  /** As a row had it. */
  readonly position: string;
  readonly overlapSeconds: number;
}

export const queryReaderOf = (source: Source): (Source & QueryReader) | undefined =>
  'openQuery' in source && typeof source.openQuery === 'function'
    ? (source as Source & QueryReader)
    : undefined;
