// What has been read of each table, until all of it is known and the manifest can be written.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { RowCount } from '#lib/row-checksum.ts';
import type { ManifestTable } from '../manifest.ts';

export interface Tally {
  /** The rows of a table will come at a path. */
  expect(name: string, path: string): void;
  done(name: string, count: RowCount): void;
  failed(name: string, error: unknown): void;
  /** Something that is not there at all. */
  missing(name: string, reason: string): void;
  /** Resolves when every table that was expected is done or failed; rejects when the reading is given up. */
  settled(): Promise<TallyResult>;
  giveUp(): void;
}

export interface TallyResult {
  readonly tables: ManifestTable[];
  readonly missing: { name: string; reason: string }[];
}

export const createTally = (): Tally => {
  const paths = new Map<string, string>();
  const counts = new Map<string, RowCount>();
  const missing = new Map<string, string>();
  const settled = Promise.withResolvers<void>();
  settled.promise.catch(() => {}); // nobody may be waiting
  let open = 0;
  let waiting = false;

  const close = (): void => {
    open -= 1;
    if (waiting && open === 0) settled.resolve();
  };
  return {
    expect(name, path) {
      paths.set(name, path);
      open += 1;
    },
    done(name, count) {
      counts.set(name, count);
      close();
    },
    failed(name, error) {
      missing.set(name, messageOf(error));
      close();
    },
    missing(name, reason) {
      missing.set(name, reason);
    },
    async settled() {
      waiting = true;
      if (open > 0) await settled.promise;
      const tables = [...paths].flatMap(([name, path]): ManifestTable[] => {
        const count = counts.get(name);
        return count ? [{ name, entries: [path], format: 'lines', ...count }] : [];
      });
      return { tables, missing: [...missing].map(([name, reason]) => ({ name, reason })) };
    },
    giveUp() {
      settled.reject(new HoldfastError('CANCELLED', 'the reading was given up'));
    },
  };
};
