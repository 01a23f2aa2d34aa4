import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#lib/clock.ts';
import { jumpingClock } from '#lib/testing.ts';
import { memoryStore } from '../memory/memory.ts';
import { localFolderOf, retentionOf, type Store } from '../store.ts';
import { storeContract } from '../testing.ts';
import { withLimit } from './limit.ts';
import { withReadOnly } from './read-only.ts';
import { withThrottle } from './throttle.ts';

const signal = new AbortController().signal;
const options = { clock: jumpingClock(), signal };

storeContract('limit over memory', {
  forgetful: true,
  open: async () => withLimit(memoryStore(), 2, options),
});

storeContract('throttle over memory', {
  forgetful: true,
  open: async () =>
    withThrottle(memoryStore(), { upload: 1_000_000, download: 1_000_000, clock: jumpingClock(), signal }),
});

/** A memory store that counts how many calls are under way. */
const counting = (): { store: Store; most(): number } => {
  const memory = memoryStore();
  let running = 0;
  let most = 0;
  const put: Store['put'] = async (key, bytes) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    await memory.put(key, bytes);
    running -= 1;
  };
  return { store: { ...memory, put }, most: () => most };
};

test('no more calls run at once than the limit', async () => {
  const { store, most } = counting();
  const limited = withLimit(store, 3, options);
  assert.equal(limited.connections, 3);
  await Promise.all(Array.from({ length: 20 }, (_, index) => limited.put(String(index), Buffer.from('x'))));
  assert.equal(most(), 3);
});

test('a call that fails gives its place to the next', async () => {
  const limited = withLimit(memoryStore(), 1, options);
  for (let round = 0; round < 3; round += 1) await assert.rejects(limited.get('absent'));
  await limited.put('a', Buffer.from('x'));
});

test('within a listing other calls go through even with one connection', async () => {
  const limited = withLimit(memoryStore(), 1, options);
  await limited.put('a', Buffer.from('x'));
  await limited.put('b', Buffer.from('y'));
  for await (const { key } of limited.list('')) await limited.delete(key);
  assert.deepEqual(await Array.fromAsync(limited.list('')), []);
});

test('once it is cancelled, a store that never answers is waited for no longer, and its place is free', async () => {
  const cancel = new AbortController();
  const never = new Promise<never>(() => {});
  const memory = memoryStore();
  const silent: Store = {
    ...memory,
    put: (key, bytes) => (key === 'locks/a' ? memory.put(key, bytes) : never),
    async *list() {
      yield await never;
    },
  };
  const clock = jumpingClock();
  await using limited = withLimit(silent, 1, { clock, signal: cancel.signal });
  await limited.put('locks/a', Buffer.from('x'));
  const put = assert.rejects(limited.put('data/b', Buffer.from('x')), { code: 'STORE_UNREACHABLE' });
  const started = clock.now().getTime();
  cancel.abort();
  await put;
  await assert.rejects(Array.fromAsync(limited.list('')), { code: 'STORE_UNREACHABLE' });
  await limited.delete('locks/a');
  assert.deepEqual(await Array.fromAsync(memory.list('')), []);
  assert.ok(clock.now().getTime() - started <= 10_000);
});

test('uploads and downloads keep to their limits on average, also when they come at once', async () => {
  const clock = jumpingClock();
  const memory = memoryStore();
  const throttled = withThrottle(memory, { upload: 1000, download: 500, clock, signal });
  const seconds = async (work: () => Promise<unknown>): Promise<number> => {
    const started = clock.now().getTime();
    await work();
    return (clock.now().getTime() - started) / 1000;
  };
  const keys = Array.from({ length: 11 }, (_, index) => String(index));
  const puts = () => Promise.all(keys.map((key) => throttled.put(key, Buffer.alloc(1000))));
  assert.equal(await seconds(puts), 10); // the first starts at once
  const gets = () => Promise.all(keys.map((key) => throttled.get(key, { offset: 0, length: 250 })));
  assert.equal(await seconds(gets), 5);
  const whole = () => Promise.all(keys.slice(0, 5).map((key) => throttled.get(key)));
  assert.equal(await seconds(whole), 8.5); // half a second was left of the last range
});

test('a clock that is set back by an hour stops nothing that a limit spaces out', async () => {
  const clock = jumpingClock();
  let backMs = 0;
  const slept: number[] = [];
  const settable: Clock = {
    now: () => new Date(clock.now().getTime() - backMs),
    sleep: async (ms) => void slept.push(ms),
  };
  const throttled = withThrottle(memoryStore(), { upload: 1000, clock: settable, signal });
  await throttled.put('data/a', Buffer.alloc(2000));
  backMs = 3_600_000;
  await throttled.put('data/b', Buffer.alloc(1000));
  await throttled.put('data/c', Buffer.alloc(1000));
  assert.deepEqual(slept, [2000, 3000]);
});

test('a lock does not queue behind packs, and its bytes count all the same', async () => {
  const clock = jumpingClock();
  const throttled = withThrottle(memoryStore(), { upload: 1000, clock, signal });
  const started = clock.now().getTime();
  await throttled.put('data/a', Buffer.alloc(10_000));
  await throttled.put('locks/a', Buffer.alloc(1000));
  assert.equal(clock.now().getTime() - started, 0);
  await throttled.put('data/b', Buffer.alloc(1));
  assert.equal(clock.now().getTime() - started, 11_000);
});

test('a wait for the line ends when the run is cancelled', async () => {
  const cancel = new AbortController();
  const clock = { now: () => new Date(0), sleep: jumpingClock().sleep };
  const throttled = withThrottle(memoryStore(), { upload: 1, clock, signal: cancel.signal });
  await throttled.put('a', Buffer.alloc(1000));
  cancel.abort();
  await assert.rejects(throttled.put('b', Buffer.alloc(1000)), { code: 'CANCELLED' });
});

test('a read-only store reads and refuses to change', async () => {
  const memory = memoryStore();
  await memory.put('a', Buffer.from('x'));
  const store = withReadOnly({ ...memory, localFolder: '/srv/x' } as never);
  assert.equal((await store.get('a')).length, 1);
  assert.equal((await Array.fromAsync(store.list(''))).length, 1);
  await assert.rejects(store.put('b', Buffer.from('x')), { code: 'STORE_DENIED' });
  await assert.rejects(store.delete('a'), { code: 'STORE_DENIED' });
  assert.equal(localFolderOf(store), undefined);
});

test('the ability to hold objects stays, but not for those who only read', async () => {
  const held: string[] = [];
  const retain = async (key: string) => void held.push(key);
  const holding: Store = Object.assign(memoryStore(), { retain });
  await retentionOf(withLimit(holding, 2, options))?.retain('a');
  await retentionOf(withThrottle(holding, { clock: jumpingClock(), signal }))?.retain('b');
  assert.deepEqual(held, ['a', 'b']);
  await assert.rejects(async () => retentionOf(withReadOnly(holding))?.retain('c'), { code: 'STORE_DENIED' });
});
