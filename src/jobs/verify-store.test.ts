import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { rememberingContext } from './testing.ts';
import { verifyStore } from './verify-store.ts';

/** Verifies a store in memory with something else in the place of some of its calls. */
const verify = async (change: (memory: Store) => Partial<Store>) => {
  const memory = memoryStore();
  const store: Store = { ...memory, ...change(memory), [Symbol.asyncDispose]: async () => {} };
  const config = {
    kind: 'memory',
    config: {},
    toJSON: () => ({}),
    open: async () => store,
  };
  const verification = await verifyStore({ name: 'vault', store: config, options: {} }, rememberingContext());
  const broken = verification.outcomes.filter(({ error }) => error !== undefined);
  return { ...verification, broken, left: await Array.fromAsync(memory.list(''), ({ key }) => key) };
};

test('a listing that forgets objects is a broken promise, with what it means', async () => {
  const { broken, speed, left } = await verify((memory) => ({
    async *list(prefix) {
      let index = 0;
      for await (const object of memory.list(prefix)) if (++index % 1000 !== 0) yield object;
    },
  }));
  assert.ok(broken.some(({ promise }) => promise.startsWith('a listing has every object')));
  assert.ok(broken.every(({ matters }) => matters !== undefined));
  assert.ok(broken.length < 5, 'the other promises hold');
  assert.notEqual(speed, undefined);
  assert.ok(left.length <= 1, 'what it does not list cannot be found to be removed');
});

test('where nothing can be removed, nothing more than one object is stored', async () => {
  const { broken, outcomes, speed, left } = await verify(() => ({
    delete: async () => {
      throw new HoldfastError('STORE_DENIED', 'no right to delete', { hint: 'get the right' });
    },
  }));
  assert.deepEqual([outcomes.length, broken.length, speed], [1, 1, undefined]);
  assert.equal(left.length, 1);
  assert.match(broken[0]?.matters ?? '', new RegExp(`backups go on.*${left[0]}`));
});

test('a storage that is full is an error of its own, not a broken promise', async () => {
  let room = 30_000_000;
  const work = verify((memory) => ({
    async put(key, bytes) {
      room -= bytes.length;
      if (room < 0) throw new HoldfastError('STORE_FULL', 'no room');
      await memory.put(key, bytes);
    },
  }));
  await assert.rejects(work, { code: 'STORE_FULL' });
});
