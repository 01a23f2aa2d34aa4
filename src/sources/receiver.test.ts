import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from './manifest.ts';
import { settledBefore } from './receiver.ts';
import type { Previous } from './source.ts';

const manifest: Manifest = {
  manifest: 1,
  engine: 'postgres',
  engineVersion: '15',
  database: 'shop',
  capturedAt: '2026-11-21T03:30:00.000Z',
  position: { oldest_transaction: '2026-11-21T03:29:00.000Z' },
  tables: [],
  missing: [],
};

const previous = (more: Partial<Manifest>): Previous => ({
  begun: new Date(0),
  entry: async () => ({
    type: 'file',
    meta: {},
    async *content() {
      yield Buffer.from(JSON.stringify({ ...manifest, ...more }));
    },
  }),
});

test('a partial backup goes on from what the previous one has for certain, and from nothing where rows are missing in it', async () => {
  assert.deepEqual(await settledBefore(previous({})), new Date('2026-11-21T03:29:00Z'));
  assert.deepEqual(await settledBefore(previous({ position: {} })), new Date('2026-11-21T03:30:00Z'));
  const missing = [{ name: 'public.orders', reason: 'no right to read it' }];
  assert.equal(await settledBefore(previous({ missing })), undefined);
  assert.equal(await settledBefore(undefined), undefined);
});
