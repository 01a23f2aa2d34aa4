import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { memoryStore } from '#stores/memory/memory.ts';
import type { LargeObjects, Store } from '#stores/store.ts';
import { putStream } from './put-stream.ts';

const { signal } = new AbortController();
const content = randomBytes(2_500_000);

async function* pieces(end = content.length): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(70_001);
  for (let at = 0; at < end; at += chunk.length) {
    content.copy(chunk, 0, at, Math.min(end, at + chunk.length));
    yield chunk.subarray(0, Math.min(end - at, chunk.length)); // the same memory each time, as sources do
  }
}

const keys = async (store: Store): Promise<string[]> =>
  (await Array.fromAsync(store.list(''))).map(({ key }) => key);

test('a stream is read once for all stores, and seen when it is committed', async () => {
  const stores = [memoryStore(), memoryStore()];
  const written = await putStream(stores, 'a/b', pieces(), { signal });
  for (const [at, store] of stores.entries()) {
    assert.deepEqual(await keys(store), []);
    const one = written[at];
    assert.ok(one && !(one instanceof Error) && one.sizeBytes === content.length);
    await one.commit();
    await one.abort();
    assert.ok(content.equals(await store.get('a/b')), 'what is committed stays');
  }
});

test('a store that fails does not spoil the others', async () => {
  const broken: Store & LargeObjects = {
    ...memoryStore(),
    beginLarge: async () => ({
      token: 'x',
      pieceBytes: () => 1000,
      putPiece: async () => assert.fail('no room'),
      commit: async () => {},
      abort: async () => {},
    }),
  };
  const [bad, good] = await putStream([broken, memoryStore()], 'key', pieces(), { signal });
  assert.ok(bad instanceof Error && /no room/.test(bad.message));
  assert.ok(good && !(good instanceof Error));
});

test('a stream that breaks off leaves nothing', async () => {
  const store = memoryStore();
  const tokens: string[] = [];
  const breaking = async function* () {
    yield* pieces(1_500_000);
    throw new Error('the table went away');
  };
  const onBegin = (_store: Store, _key: string, token: string): void => void tokens.push(token);
  await assert.rejects(putStream([store], 'key', breaking(), { signal, onBegin }), /went away/);
  assert.deepEqual(await keys(store), []);
  assert.equal(await store.wasCommitted('key', tokens[0] ?? '', 0), true, 'and nothing unfinished either');
});
