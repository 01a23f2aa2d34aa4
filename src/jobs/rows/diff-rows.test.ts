import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRowCounter } from '#lib/row-checksum.ts';
import type { Snapshot } from '#repository/contract.ts';
import { type MemoryEntry, memoryEntries, testRepository } from '#repository/testing.ts';
import { rememberingContext } from '../testing.ts';
import { diffRows, type RowDifference } from './diff-rows.ts';

type Files = Readonly<Record<string, string>>;

/** A database of CouchDB with one file a table. */
const database = (tables: Readonly<Record<string, Files>>): Record<string, MemoryEntry> => {
  const entries: Record<string, MemoryEntry> = {};
  const described = Object.entries(tables).map(([name, files]) => {
    const counter = createRowCounter('lines');
    for (const [path, content] of Object.entries(files)) {
      entries[`shop/data/${path}`] = content;
      counter.update(Buffer.from(content));
    }
    const paths = Object.keys(files).map((path) => `data/${path}`);
    return { name, entries: paths, format: 'lines', ...counter.finish() };
  });
  const manifest = {
    manifest: 1,
    engine: 'couchdb',
    engineVersion: '3',
    database: 'shop',
    position: {},
    capturedAt: '2026-11-21T03:00:00Z',
    tables: described,
    missing: [],
  };
  return { ...entries, 'shop/manifest.json': JSON.stringify(manifest) };
};

type Database = Readonly<Record<string, MemoryEntry>>;

const differences = async (before: Database, after: Database): Promise<RowDifference[]> => {
  const place = await testRepository();
  const write = async (entries: Database): Promise<Snapshot> => {
    const { snapshot } = await place.write(memoryEntries(entries), { tags: ['source:test', 'kind:couchdb'] });
    assert.ok(snapshot);
    return snapshot;
  };
  const snapshots = [await write(before), await write(after)] as const;
  await using repository = await place.open();
  const options = { ...rememberingContext(), tables: [] };
  return await Array.fromAsync(diffRows(repository, snapshots, options));
};

const summary = (found: readonly RowDifference[]): unknown[] =>
  found.map((one) =>
    one.type === 'row'
      ? [one.row.change, [...one.row.key.values()], [...(one.row.after ?? one.row.before ?? [])]]
      : one.type === 'table'
        ? [one.table, one.added, one.removed, one.changed]
        : [one.table, one.error.message],
  );

test('rows move between the files of a table, and files that both have are left out', async () => {
  const line = (id: number, v = 1): string => `{"_id":"${id}","v":${v}}\n`;
  const before = database({
    t: { a: line(1) + line(2), b: line(3), c: line(9) + line(9), d: line(9) + line(9) },
  });
  const after = database({ t: { a: line(3, 2), b: line(2), c: line(9) + line(9), d: line(1), e: '' } });
  assert.deepEqual(summary(await differences(before, after)), [
    [
      'changed',
      ['"3"'],
      [
        ['_id', '"3"'],
        ['v', '2'],
      ],
    ],
    [
      'removed',
      ['"9"'],
      [
        ['_id', '"9"'],
        ['v', '1'],
      ],
    ],
    [
      'removed',
      ['"9"'],
      [
        ['_id', '"9"'],
        ['v', '1'],
      ],
    ],
    ['t', 0, 2, 1],
  ]);
});

test('a table whose rows are not what a backup writes is told, and the others are compared', async () => {
  const [good, other] = ['{"_id":"1"}\n', '{"_id":"2"}\n'];
  const before = database({ broken: { a: good }, cut: { b: good }, whole: { c: good } });
  const after = database({ broken: { a: '{"_id":\n' }, cut: { b: '{"_id":"1"}' }, whole: { c: other } });
  assert.deepEqual(summary(await differences(before, after)), [
    ['broken', 'a row of test/shop: broken is not as a backup has it: a value is missing'],
    ['cut', 'the rows end in the middle of one'],
    ['removed', ['"1"'], [['_id', '"1"']]],
    ['added', ['"2"'], [['_id', '"2"']]],
    ['whole', 1, 1, 0],
  ]);
});
