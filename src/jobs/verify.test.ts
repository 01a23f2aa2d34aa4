import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRowCounter } from '#lib/row-checksum.ts';
import { type MemoryEntry, memoryEntries, testRepository } from '#repository/testing.ts';
import type { Manifest } from '#sources/manifest.ts';
import { rememberingContext } from './testing.ts';
import { verifySnapshot } from './verify.ts';

const rows = ['1\tAda\n2\tBéla\n', '3\tInés\n'];

const manifestOf = (
  changes: Partial<Manifest['tables'][number]> = {},
  more: Partial<Manifest> = {},
): string => {
  const counter = createRowCounter('lines');
  for (const part of rows) counter.update(Buffer.from(part));
  const table = {
    name: 'public.people',
    entries: ['data/public.people/0000.copy', 'data/public.people/0001.copy'],
    format: 'lines',
    ...counter.finish(),
    ...changes,
  };
  return JSON.stringify({
    manifest: 1,
    engine: 'plain',
    engineVersion: '1',
    database: 'shop',
    position: {},
    capturedAt: '2026-11-21T03:00:00Z',
    tables: [table],
    missing: [],
    ...more,
  });
};

const verify = async (
  entries: Readonly<Record<string, MemoryEntry>>,
  kind = 'plain',
  ...tags: readonly string[]
) => {
  const test = await testRepository();
  const { snapshot } = await test.write(memoryEntries(entries), {
    tags: ['source:test', `kind:${kind}`, ...tags],
  });
  assert.ok(snapshot);
  await using repository = await test.open();
  return await verifySnapshot(repository, snapshot, rememberingContext());
};

const database = (manifest: string): Record<string, MemoryEntry> => ({
  'data/public.people/0000.copy': rows[0] as string,
  'data/public.people/0001.copy': rows[1] as string,
  'manifest.json': manifest,
});

test('a database that is what was captured has no differences', async () => {
  const { differences, tables, rows: count, files } = await verify(database(manifestOf()));
  assert.deepEqual({ differences, tables, count, files }, { differences: [], tables: 1, count: 3, files: 3 });
});

test('a lost row, a changed row and lost bytes are differences, each with its table', async () => {
  const lost = await verify(database(manifestOf({ rows: 4 })));
  assert.deepEqual(lost.differences, ['test: table public.people: 3 rows, captured were 4']);
  const changed = await verify(database(manifestOf({ checksum: '0'.repeat(32) })));
  assert.match(
    changed.differences.join(),
    /^test: table public.people: its rows are not those captured: checksum/,
  );
  const shorter = await verify(database(manifestOf({ bytes: 99 })));
  assert.match(shorter.differences.join(), /bytes, captured were 99/);
});

test('data that the manifest names and the snapshot does not hold is a difference', async () => {
  const { 'data/public.people/0001.copy': _, ...rest } = database(manifestOf());
  const { differences } = await verify(rest);
  assert.deepEqual(differences, [
    'test: table public.people: test/data/public.people/0001.copy is not in the snapshot',
  ]);
});

test('data that is no rows at all is a difference of its table', async () => {
  const { differences } = await verify(database(manifestOf({ format: 'bson' })));
  assert.equal(differences.length, 2);
  assert.match(differences.join(), /table public.people: .*BSON/);
});

test('tables that the backup could not capture are told of', async () => {
  const missing = [{ name: 'public.secrets', reason: 'permission denied' }];
  const report = await verify(database(manifestOf({}, { missing })));
  assert.deepEqual(report.missing, ['test: public.secrets: permission denied']);
  assert.deepEqual(report.differences, []);
});

test('several databases in one snapshot are each held against their own manifest', async () => {
  const entries = Object.entries(database(manifestOf())).flatMap(([path, value]) => [
    [`one/${path}`, value],
    [`two/${path}`, path === 'manifest.json' ? manifestOf({ rows: 9 }) : value],
  ]);
  const { differences, databases } = await verify(Object.fromEntries(entries));
  assert.equal(databases, 2);
  assert.deepEqual(differences, ['test/two: table public.people: 3 rows, captured were 9']);
});

test('a manifest.json among the files of a folder is just a file', async () => {
  const { differences, databases } = await verify({ 'manifest.json': '{"name":"app"}' }, 'files');
  assert.deepEqual({ differences, databases }, { differences: [], databases: 0 });
});

test('a repaired snapshot is not what was captured, though nothing in it tells what was lost', async () => {
  const { differences, missing } = await verify({ 'data/left': 'x' }, 'plain', 'partial', 'repaired');
  assert.deepEqual(differences, ['it was repaired: what could not be saved is not in it']);
  assert.deepEqual(missing, []);
});

test('a partial snapshot of files lacks items, which its run names', async () => {
  const { differences, missing } = await verify({ a: 'x' }, 'files', 'partial', 'run:20261121-033000-aaaa');
  assert.deepEqual(differences, []);
  assert.deepEqual(missing, ['items, which holdfast runs 20261121-033000-aaaa names']);
});
