// What stores promise that take large objects in pieces; the others have nothing to promise.
import assert from 'node:assert/strict';
import { type StoreCheck, sampleBytes } from './contract.ts';
import { type LargeObject, largeObjectsOf, type Store } from './store.ts';

const keysOf = async (store: Store, prefix: string): Promise<string[]> =>
  (await Array.fromAsync(store.list(prefix))).map(({ key }) => key).toSorted();

/** Two pieces, the second shorter than the first; returns all bytes. */
const putPieces = async (object: LargeObject, seed: string): Promise<Uint8Array> => {
  const first = object.pieceBytes(0);
  const bytes = sampleBytes(first + 1000, seed);
  await object.putPiece({ number: 1, offset: first }, bytes.subarray(first));
  await object.putPiece({ number: 0, offset: 0 }, bytes.subarray(0, first));
  return bytes;
};

export const largeObjectChecks: readonly StoreCheck[] = [
  {
    name: 'an object in pieces is seen when it is whole, and not before',
    matters: 'an archive that was interrupted would look like a backup',
    namesFreely: true,
    async run({ store, prefix }) {
      const large = largeObjectsOf(store);
      if (large === undefined) return;
      const object = await large.beginLarge(`${prefix}large`);
      const bytes = await putPieces(object, 'first');
      assert.deepEqual(await keysOf(store, prefix), []);
      await object.commit();
      assert.deepEqual(await Array.fromAsync(store.list(prefix), ({ key, size }) => ({ key, size })), [
        { key: `${prefix}large`, size: bytes.length },
      ]);
      const range = { offset: object.pieceBytes(0) - 500, length: 1000 };
      const middle = bytes.subarray(range.offset, range.offset + range.length);
      assert.ok(Buffer.from(middle).equals(await store.get(`${prefix}large`, range)));
      await large.abandonLarge(`${prefix}large`, object.token);
      assert.equal(await large.wasCommitted(`${prefix}large`, object.token, bytes.length), true);
      assert.equal((await store.get(`${prefix}large`)).length, bytes.length);
      await large.deleteLarge(`${prefix}large`);
      await large.deleteLarge(`${prefix}large`);
      assert.deepEqual(await keysOf(store, prefix), []);
    },
  },
  {
    name: 'an object in pieces that is given up leaves nothing behind',
    matters: 'what was interrupted would take up room for ever',
    namesFreely: true,
    async run({ store, open, prefix }) {
      const large = largeObjectsOf(store);
      if (large === undefined) return;
      const given = await large.beginLarge(`${prefix}given-up`);
      await given.putPiece({ number: 0, offset: 0 }, sampleBytes(1000, 'given up'));
      await given.abort();
      const crashed = await large.beginLarge(`${prefix}crashed`);
      await crashed.putPiece({ number: 0, offset: 0 }, sampleBytes(1000, 'crashed'));
      await using again = await open();
      const next = largeObjectsOf(again.location === 'memory' ? store : again) ?? large;
      assert.equal(await next.wasCommitted(`${prefix}crashed`, crashed.token, 1000), false);
      assert.equal(await next.wasCommitted(`${prefix}crashed`, crashed.token, 1000), false);
      await next.abandonLarge(`${prefix}crashed`, crashed.token);
      await next.abandonLarge(`${prefix}crashed`, crashed.token);
      await crashed.abort().catch(() => {}); // nothing is left of it but, in a folder, the open file
      assert.deepEqual(await keysOf(store, prefix), []);
    },
  },
];
