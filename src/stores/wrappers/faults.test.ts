import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jumpingClock } from '#lib/testing.ts';
import { memoryStore } from '../memory/memory.ts';
import { localFolderOf } from '../store.ts';
import { storeContract } from '../testing.ts';
import { type FaultKind, withFaults } from './faults.ts';

const content = Buffer.from('the quick brown fox jumps over the lazy dog');
const always = (...kinds: FaultKind[]) => ({ seed: 's', rate: 1, kinds, clock: jumpingClock() });

storeContract('faults that are all off', {
  forgetful: true,
  open: async () => withFaults(memoryStore(), { seed: 1, rate: 1, kinds: [], clock: jumpingClock() }),
});

test('a fault before the call leaves the store as it was', async () => {
  const memory = memoryStore();
  await assert.rejects(withFaults(memory, always('before')).put('a', content), { code: 'STORE_UNREACHABLE' });
  await assert.rejects(memory.get('a'), { code: 'OBJECT_MISSING' });
});

test('a fault after the call has the effect all the same', async () => {
  const memory = memoryStore();
  await assert.rejects(withFaults(memory, always('after')).put('a', content), { code: 'STORE_UNREACHABLE' });
  assert.deepEqual(Buffer.from(await memory.get('a')), content);
  await assert.rejects(withFaults(memory, always('after')).delete('a'), { code: 'STORE_UNREACHABLE' });
  await assert.rejects(memory.get('a'), { code: 'OBJECT_MISSING' });
});

test('a torn write stores the beginning only', async () => {
  const memory = memoryStore();
  await assert.rejects(withFaults(memory, always('torn')).put('a', content));
  const torn = await memory.get('a');
  assert.ok(torn.length < content.length);
  assert.deepEqual(Buffer.from(torn), content.subarray(0, torn.length));
});

test('a short read gives less, a wrong one differs by one bit', async () => {
  const memory = memoryStore();
  await memory.put('a', content);
  assert.ok((await withFaults(memory, always('short')).get('a')).length < content.length);
  const wrong = await withFaults(memory, always('wrong')).get('a');
  const differing = [...wrong].map((byte, at) => byte ^ (content[at] as number)).filter((bits) => bits !== 0);
  assert.equal(differing.length, 1);
  assert.equal(Math.log2(differing[0] as number) % 1, 0);
});

test('a stale listing lacks what was just put and has what was just deleted', async () => {
  const memory = memoryStore();
  await memory.put('old', content);
  const store = withFaults(memory, always('stale'));
  await store.put('new', content);
  await store.delete('old');
  assert.deepEqual(await Array.fromAsync(store.list(''), ({ key }) => key), ['old']);
});

test('a delay passes on the clock that it was given', async () => {
  const options = always('delay');
  const started = options.clock.now().getTime();
  await withFaults(memoryStore(), options).put('a', content);
  assert.ok(options.clock.now().getTime() > started);
});

test('the same seed gives the same faults, whatever goes on at the same time', async () => {
  const faultsOf = async (keys: readonly string[]) => {
    const store = withFaults(memoryStore(), { seed: 5, rate: 0.5, kinds: ['before'], clock: jumpingClock() });
    const outcomes = await Promise.allSettled(keys.map((key) => store.put(key, content)));
    return Object.fromEntries(keys.map((key, index) => [key, outcomes[index]?.status]));
  };
  const keys = Array.from({ length: 30 }, (_, index) => String(index));
  assert.deepEqual(await faultsOf(keys), await faultsOf(keys.toReversed()));
});

test('workers cannot write around the faults', () => {
  assert.equal(
    localFolderOf(withFaults({ ...memoryStore(), localFolder: '/x' } as never, always())),
    undefined,
  );
});
