import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#lib/clock.ts';
import { type ErrorCode, HoldfastError, hasCode } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import { jumpingClock } from '#lib/testing.ts';
import { memoryStore } from '../memory/memory.ts';
import { localFolderOf, type Store } from '../store.ts';
import { storeContract } from '../testing.ts';
import { withFaults } from './faults.ts';
import { withRetry } from './retry.ts';

const options = (clock: Clock, signal = new AbortController().signal) => ({
  clock,
  random: seededRandom('jitter'),
  log: silentLog,
  signal,
  firstPatienceMs: 15 * 60_000,
});

/** A store whose puts fail a number of times. */
const failing = (code: ErrorCode, times: number): { store: Store; attempts(): number } => {
  const memory = memoryStore();
  let attempts = 0;
  const put: Store['put'] = async (key, bytes) => {
    attempts += 1;
    if (attempts <= times) throw new HoldfastError(code, `attempt ${attempts} failed`);
    await memory.put(key, bytes);
  };
  return { store: { ...memory, put }, attempts: () => attempts };
};

storeContract('retry over memory', {
  forgetful: true,
  open: async () => withRetry(memoryStore(), options(jumpingClock())),
});

storeContract('retry over a store with faults', {
  forgetful: true,
  async open() {
    const clock = jumpingClock();
    const faulty = withFaults(memoryStore(), {
      seed: 1,
      rate: 0.05,
      kinds: ['before', 'after', 'torn', 'delay'],
      clock,
    });
    return withRetry(faulty, options(clock));
  },
});

test('patience is not prolonged by a clock that is set back', async () => {
  const clock = jumpingClock();
  let backMs = 0;
  const setBack: Clock = { ...clock, now: () => new Date(clock.now().getTime() - backMs) };
  const { store } = failing('STORE_UNREACHABLE', Number.POSITIVE_INFINITY);
  const started = clock.now().getTime();
  const put: Store['put'] = async (key, bytes) => {
    if (clock.now().getTime() - started > 60_000) backMs = 86_400_000;
    await store.put(key, bytes);
  };
  const patient = withRetry({ ...store, put }, options(setBack));
  await assert.rejects(patient.put('a', Buffer.from('x')), { code: 'STORE_UNREACHABLE' });
  assert.ok(clock.now().getTime() - started < 20 * 60_000);
});

test('a store that fails for a while is tried again at growing intervals', async () => {
  const clock = jumpingClock();
  const { store, attempts } = failing('STORE_UNREACHABLE', 5);
  const started = clock.now().getTime();
  await withRetry(store, options(clock)).put('a', Buffer.from('x'));
  assert.equal(attempts(), 6);
  const waited = clock.now().getTime() - started;
  assert.ok(waited >= 7_750 && waited <= 15_500, `${waited} ms`);
});

test('patience ends with the error itself', async () => {
  const clock = jumpingClock();
  const { store, attempts } = failing('STORE_UNREACHABLE', 1000);
  const patient = withRetry(store, { ...options(clock), firstPatienceMs: 60_000 });
  const started = clock.now().getTime();
  await assert.rejects(patient.put('a', Buffer.from('x')), { code: 'STORE_UNREACHABLE' });
  assert.ok(clock.now().getTime() - started <= 60_000);
  assert.ok(attempts() >= 6, `${attempts()} attempts`);
});

test('a store that was never reached is given up soon, one that was reached is waited for', async () => {
  const clock = jumpingClock();
  const { firstPatienceMs: _, ...usual } = options(clock);
  const { store, attempts } = failing('STORE_UNREACHABLE', 8);
  const retrying = withRetry(store, usual);
  await assert.rejects(retrying.put('a', Buffer.from('x')), { code: 'STORE_UNREACHABLE' });
  assert.ok(attempts() < 8, `${attempts()} attempts`);
  await Array.fromAsync(retrying.list(''));
  await retrying.put('a', Buffer.from('x'));
  assert.equal(attempts(), 9);
});

test('an error that will not go away is not repeated', async () => {
  for (const code of ['STORE_DENIED', 'STORE_FULL', 'OBJECT_MISSING'] as const) {
    const { store, attempts } = failing(code, 1);
    await assert.rejects(withRetry(store, options(jumpingClock())).put('a', Buffer.from('x')), { code });
    assert.equal(attempts(), 1);
  }
});

test('cancelling ends the waiting, and afterwards each call is still made once', async () => {
  const cancel = new AbortController();
  const { store, attempts } = failing('STORE_UNREACHABLE', 2);
  const stuck: Clock = {
    now: () => new Date(0),
    sleep: (_, signal) =>
      new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => reject(new HoldfastError('CANCELLED', 'cancelled'))),
      ),
  };
  const retrying = withRetry(store, options(stuck, cancel.signal));
  const put = assert.rejects(retrying.put('a', Buffer.from('x')), { code: 'CANCELLED' });
  await new Promise(setImmediate);
  cancel.abort();
  await put;
  await assert.rejects(retrying.put('a', Buffer.from('x')), { code: 'STORE_UNREACHABLE' });
  await retrying.put('a', Buffer.from('x'));
  assert.equal(attempts(), 3);
});

test('who cancels does not wait for a store that never answers', async () => {
  const cancel = new AbortController();
  const never = new Promise<never>(() => {});
  const silent: Store = {
    ...memoryStore(),
    get: () => never,
    async *list() {
      yield { key: 'a', size: 1 };
      await never;
    },
  };
  await using store = withRetry(silent, options(jumpingClock(), cancel.signal));
  const listed: string[] = [];
  const list = async (): Promise<void> => {
    for await (const { key } of store.list('')) listed.push(key);
  };
  const reads = [store.get('a'), list()].map((read) => assert.rejects(read, { code: 'CANCELLED' }));
  await new Promise(setImmediate);
  cancel.abort();
  await Promise.all(reads);
  assert.deepEqual(listed, ['a']);
});

test('each wait is logged with the call, never with bytes', async () => {
  const lines: object[] = [];
  const log = { warn: (line: object) => lines.push(line) } as unknown as typeof silentLog;
  const { store } = failing('STORE_UNREACHABLE', 1);
  await withRetry(store, { ...options(jumpingClock()), log }).put('locks/a', Buffer.from('secret'));
  assert.deepEqual(Object.keys(lines[0] ?? {}), ['store', 'call', 'attempt', 'waitMs', 'error']);
  assert.match(JSON.stringify(lines), /"put locks\/a".*attempt 1 failed/);
});

test('a local folder stays reachable', () => {
  const store = { ...memoryStore(), localFolder: '/srv/x' };
  assert.equal(localFolderOf(withRetry(store, options(jumpingClock()))), '/srv/x');
});

test('a store with faults behaves like one without, once retried (seeded)', async () => {
  for (let seed = 0; seed < 30; seed += 1) await compareWithModel(seed);
});

const compareWithModel = async (seed: number): Promise<void> => {
  const random = seededRandom(`model ${seed}`);
  const clock = jumpingClock();
  const faulty = withFaults(memoryStore(), { seed, rate: 0.2, kinds: ['before', 'after', 'torn'], clock });
  const store = withRetry(faulty, options(clock));
  const model = new Map<string, string>();
  for (let step = 0; step < 60; step += 1)
    await compareStep(random, store, model, `seed ${seed} step ${step}`);
};

const compareStep = async (random: Random, store: Store, model: Map<string, string>, where: string) => {
  const key = `${random.pick(['a', 'b'])}/${random.integer(0, 10)}`;
  const action = random.pick(['put', 'put', 'get', 'range', 'list', 'delete']);
  if (action === 'put') {
    const content = `${where} `.repeat(random.integer(1, 5));
    model.set(key, content);
    await store.put(key, Buffer.from(content));
  } else if (action === 'delete') {
    model.delete(key);
    await store.delete(key);
  } else if (action === 'list') {
    const listed = await Array.fromAsync(store.list('a/'));
    const expected = [...model].filter(([name]) => name.startsWith('a/'));
    assert.deepEqual(
      new Map(listed.map((object) => [object.key, object.size])),
      new Map(expected.map(([name, content]) => [name, content.length])),
      where,
    );
    assert.equal(listed.length, expected.length, where);
  } else {
    const content = model.get(key);
    const range = action === 'range' ? { offset: 1, length: 3 } : undefined;
    const found = await store.get(key, range).catch((error: unknown) => error);
    if (content === undefined) assert.ok(hasCode(found, 'OBJECT_MISSING'), where);
    else assert.equal(String(Buffer.from(found as Uint8Array)), range ? content.slice(1, 4) : content, where);
  }
};
