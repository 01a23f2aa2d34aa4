// Builders for tests of the catalog and of those who use it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, openCatalog } from './catalog.ts';
import type { RunEnd, SourceRecord } from './run.ts';

/** A catalog in a folder of its own, both gone after use. A warning fails the test. */
export const testCatalog = (): { readonly folder: string; readonly catalog: Catalog } & Disposable => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-catalog-'));
  const catalog = openCatalog(join(folder, 'catalog.db'), { warn: unexpected });
  return {
    folder,
    catalog,
    [Symbol.dispose]() {
      catalog[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
};

const unexpected = (text: string): never => {
  throw new Error(`unexpected warning: ${text}`);
};

/** The n-th minute of an arbitrary day. */
export const minute = (n: number): Date => new Date(Date.UTC(2026, 10, 21, 3, n));

export const succeeded = (endedAt: Date): RunEnd => ({
  state: 'succeeded',
  endedAt,
  exitStatus: 0,
  bytes: 10,
  items: 2,
  itemsFailed: 0,
});

export const failed = (endedAt: Date): RunEnd => ({
  ...succeeded(endedAt),
  state: 'failed',
  exitStatus: 13,
  error: { code: 'SOURCE_UNREACHABLE', message: 'no server at db:5432', hint: 'start it' },
});

export const storedSource: SourceRecord = {
  source: 'shop',
  kind: 'postgres',
  repository: 'offsite',
  state: 'ok',
  durationMs: 1234,
  snapshot: 'ab'.repeat(32),
  files: 3,
  bytes: 2 ** 40,
  bytesStored: 99,
  itemsFailed: 0,
};
