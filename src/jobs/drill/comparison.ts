// How a restored place is held against the snapshot that it came from.
import type { Entry, ScratchPlace } from '#sources/source.ts';

/** What of a snapshot was found again. */
export interface Compared {
  readonly differences: readonly string[];
  readonly tables: number;
  readonly rows: number;
  readonly definitions: number;
}

export interface Comparison {
  /** The entries on their way to the restore; what must be known of them later is taken down as they pass. */
  watch(entries: AsyncIterable<Entry>): AsyncIterable<Entry>;
  /** What was wrong with the entries that have passed, for a restore that failed. */
  wrongSoFar(): readonly string[];
  /** Reads all of the place; failures of the restore are known already and are not told again. */
  compare(place: ScratchPlace, failedPaths: ReadonlySet<string>): Promise<Compared>;
}
