import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, seededRandom } from '#lib/random.ts';
import { areSameIds, jsonLength, PackedIds, packIds, readIds, writeIds } from './blob-ids.ts';

const idsOf = (random: Random, count: number): string[] =>
  Array.from({ length: count }, () =>
    Buffer.from(Array.from({ length: 32 }, () => random.integer(0, 256))).toString('hex'),
  );

/** Set in any order, as workers tell them. */
const packed = (ids: readonly string[], random: Random): PackedIds => {
  const packed = new PackedIds();
  const order = ids.map((id, at) => ({ id, at, key: random.next() })).sort((a, b) => a.key - b.key);
  for (const { id, at } of order) packed.set(at, Buffer.from(id, 'hex'));
  return packed;
};

test('packed ids are those that were set, in their order', () => {
  const random = seededRandom('ids');
  for (const count of [0, 1, 2, 3, 100]) {
    const ids = idsOf(random, count);
    const inBytes = packed(ids, random);
    assert.equal(inBytes.length, count);
    assert.deepEqual([...inBytes], ids);
    assert.equal(inBytes.join('-'), ids.join('-'));
    assert.ok(inBytes.every((id) => ids.includes(id)));
  }
  assert.ok(!packed(['ab'.repeat(32)], random).every((id) => id.startsWith('c')));
});

test('lists are the same when they have the same ids in the same order, packed or not', () => {
  const random = seededRandom('same');
  const ids = idsOf(random, 20);
  const others = [ids.toReversed(), ids.slice(1), [...ids, ids[0]!], []];
  assert.ok(areSameIds(packed(ids, random), ids) && areSameIds(ids, packed(ids, random)));
  assert.ok(areSameIds(packed(ids, random), packed(ids, random)) && areSameIds(undefined, undefined));
  for (const other of [...others, ...others.map((some) => packed(some, random)), undefined])
    assert.ok(!areSameIds(packed(ids, random), other) && !areSameIds(other, ids));
});

test('they are written as JSON has them, and read again from that alone', () => {
  const random = seededRandom('json');
  for (const ids of [[], idsOf(random, 1), idsOf(random, 70)]) {
    const json = JSON.stringify(ids);
    const bytes = Buffer.alloc(json.length, '[');
    const end = writeIds(packIds(packed(ids, random)), bytes, 1);
    assert.equal(end, jsonLength(packIds(ids)) + 1);
    bytes.write(']', end);
    assert.equal(bytes.toString(), json);
    if (ids.length === 0) continue;
    const read = readIds(bytes, 1);
    assert.deepEqual([...(read?.ids ?? [])], ids);
    assert.equal(read?.end, json.length - 1);
    for (let length = 0; length < json.length; length += 1)
      assert.equal(readIds(bytes.subarray(0, length), 1), undefined);
  }
  const [id] = idsOf(random, 1);
  for (const json of [`["${id?.toUpperCase()}"]`, `[ "${id}"]`, `["${id}" ]`, `["${id}";"${id}"]`, `[7]`])
    assert.equal(readIds(Buffer.from(json), 1), undefined, json);
});
