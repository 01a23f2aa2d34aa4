import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { skipWithoutDocumentdb } from '../../../test/servers/documentdb/engine.ts';
import { startStandIn } from '../../../test/servers/mongodb.ts';
import { scratchMakerOf } from '../source.ts';
import { type CapturedEntry, capture, contentAt, inPathOrder, replay } from '../testing.ts';
import { openMongodb } from './testing.ts';
import { fillShop } from './testing-database.ts';

test('a trial restores beside all real data, reads back the same, answers queries, and leaves nothing', {
  skip: skipWithoutDocumentdb() ?? false,
}, async () => {
  await using server = await startStandIn({ replicaSet: true });
  await fillShop(server, 'shop');
  await using source = await openMongodb(server, { url: server.url('shop') });
  const maker = scratchMakerOf(source);
  assert.ok(maker);
  const dumped = inPathOrder(await capture(source, undefined, 3));
  const name = 'holdfast_drill_x1y2';
  await using place = await maker.openScratch({ name, folder: '/nowhere', databases: ['shop'] });
  const report = await place.restore(replay(dumped), () => {});
  assert.deepEqual([report.failures, report.warnings], [[], []]);
  const again = await capture({ ...source, dump: () => place.dump() }, undefined, 3);
  for (const { path, content } of dumped.filter((entry) => entry.path.endsWith('.bson')))
    assert.ok(contentAt(again, path).equals(Buffer.from(content ?? [])), path);
  const metadata = 'shop/orders.metadata.json';
  const read = (entries: readonly CapturedEntry[]): ReadonlyMap<string, string> => {
    const bytes = contentAt(entries, metadata);
    const definitions: Reader | undefined = place.definitionsIn?.(metadata);
    return definitions?.(`${bytes}`, bytes) ?? new Map();
  };
  assert.ok(read(dumped).size > 5);
  assert.deepEqual(read(again), read(dumped));
  const count = '{"aggregate": "orders", "pipeline": [{"$count": "n"}], "cursor": {}}';
  assert.deepEqual(await place.query?.(count, undefined), [['1500']]);
  await assert.rejects(maker.openScratch({ name, folder: '/nowhere', databases: ['shop'] }), (error) =>
    hasCode(error, 'TARGET_NOT_EMPTY'),
  );
  await maker.removeScratch(name, '/nowhere');
  const { databases } = await server.client.db('admin').command({ listDatabases: 1 });
  assert.deepEqual(
    databases.map((each: { name: string }) => each.name),
    ['shop'],
  );
});

type Reader = (text: string, bytes: Uint8Array) => ReadonlyMap<string, string>;
