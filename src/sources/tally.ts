// What has been read of each table, until all of it is known and the manifest can be written.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { combine, noRows, type RowCount } from '#lib/row-checksum.ts';
import type { ManifestTable } from './manifest.ts';

export interface Tally {
  /** The name under which rows are counted gets one more file. */
  expect(name: string, path: string): void;
  done(name: string, path: string, count: RowCount): void;
  failed(name: string, path: string, error: unknown): void;
  /** Something that is not there at all. */
  missing(name: string, reason: string): void;
  /** Resolves when every file that was expected is done or failed; rejects when the reading is given up. */
  settled(): Promise<Pick<TallyResult, 'tables' | 'missing'>>;
  giveUp(): void;
}

export interface TallyResult {
  readonly tables: ManifestTable[];
  readonly missing: { name: string; reason: string }[];
}

interface Counted {
  readonly paths: string[];
  total: RowCount;
  reason?: string;
}

export const createTally = (): Tally => {
  const counted = new Map<string, Counted>();
  const missing: { name: string; reason: string }[] = [];
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
      const entry = counted.get(name) ?? { paths: [], total: noRows };
      entry.paths.push(path);
      counted.set(name, entry);
      open += 1;
    },
    done(name, _path, count) {
      const entry = counted.get(name);
      if (entry) entry.total = combine(entry.total, count);
      close();
    },
    failed(name, path, error) {
      const entry = counted.get(name);
      if (entry) entry.reason ??= entry.paths.length > 1 ? `${path}: ${messageOf(error)}` : messageOf(error);
      close();
    },
    missing(name, reason) {
      missing.push({ name, reason });
    },
    async settled() {
      waiting = true;
      if (open > 0) await settled.promise;
      const tables: ManifestTable[] = [];
      const failed = [...missing];
      for (const [name, { paths, total, reason }] of counted)
        if (reason === undefined) tables.push({ name, entries: paths, format: 'lines', ...total });
        else failed.push({ name, reason });
      return { tables, missing: failed };
    },
    giveUp() {
      settled.reject(new HoldfastError('CANCELLED', 'the reading was given up'));
    },
  };
};
