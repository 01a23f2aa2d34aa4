// What has been read of each table, until all of it is known and the manifest can be written.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { combine, noRows, type RowCount } from '#lib/row-checksum.ts';
import type { RowFormat } from '#lib/row-format.ts';
import type { Manifest, ManifestTable } from './manifest.ts';

export interface Tally {
  /** The name under which rows are counted gets one more file. */
  expect(name: string, path: string): void;
  done(name: string, count: RowCount): void;
  failed(name: string, path: string, error: unknown): void;
  /** Something that is not there at all. */
  missing(name: string, reason: string): void;
  /** Resolves when every file that was expected is done or failed; rejects when the reading is given up. */
  settled(): Promise<Pick<Manifest, 'tables' | 'missing'>>;
  giveUp(): void;
}

interface Counted {
  readonly paths: string[];
  total: RowCount;
  reason?: string;
}

export const createTally = (format: RowFormat = 'lines'): Tally => {
  const counted = new Map<string, Counted>();
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
      const entry = counted.get(name) ?? { paths: [], total: noRows };
      entry.paths.push(path);
      counted.set(name, entry);
      open += 1;
    },
    done(name, count) {
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
      missing.set(name, reason);
    },
    async settled() {
      waiting = true;
      if (open > 0) await settled.promise;
      const tables: ManifestTable[] = [];
      const failed = new Map(missing);
      for (const [name, { paths, total, reason }] of counted)
        if (reason === undefined) tables.push({ name, entries: paths, format, ...total });
        else failed.set(name, reason);
      return { tables, missing: [...failed].map(([name, reason]) => ({ name, reason })) };
    },
    giveUp() {
      settled.reject(new HoldfastError('CANCELLED', 'the reading was given up'));
    },
  };
};
