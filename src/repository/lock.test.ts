import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { suite, test } from 'node:test';
import type { Clock } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { thisProcess } from '#lib/process-identity.ts';
import { jumpingClock } from '#lib/testing.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { deleteLocks, type Lock, takeLock } from './lock.ts';
import { newMasterKey } from './sealing/key.ts';
import { Sealer } from './sealing/seal.ts';
import { loadUnpacked, saveUnpacked } from './sealing/unpacked.ts';
import { keysOf, neverFires } from './testing.ts';

const minuteMs = 60_000;
const sealer = new Sealer(newMasterKey());

const take = (store: Store, exclusive: boolean, clock: Clock, retryMs = 0): Promise<Lock> =>
  takeLock(store, sealer, { exclusive, clock, retryMs, signal: neverFires });

/** A lock file as restic writes it, or ours. */
const putLock = (store: Store, clock: Clock, fields: object = {}): Promise<string> =>
  saveUnpacked(store, sealer, 'locks', {
    time: clock.now().toISOString(),
    exclusive: false,
    hostname: 'elsewhere',
    username: 'ada',
    pid: 4711,
    ...fields,
  });

/** A process that was here and is not any more. */
const deadPid = spawnSync(process.execPath, ['--version']).pid;

const locksOf = (store: Store): Promise<string[]> => keysOf(store, 'locks/');

/** Lets that much time pass for whoever sleeps. */
const pass = (clock: Clock, ms: number): Promise<void> => clock.sleep(ms);

suite('a lock', () => {
  test('shared is taken beside other shared ones, and each is removed by its holder', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    const first = await take(store, false, clock);
    const second = await take(store, false, clock);
    assert.equal((await locksOf(store)).length, 2);
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
    assert.deepEqual(await locksOf(store), []);
  });

  for (const [held, wanted] of [
    [true, true],
    [true, false],
    [false, true],
  ] as const)
    test(`${held ? 'exclusive' : 'shared'} refuses ${wanted ? 'an exclusive' : 'a shared'} one, and says who holds it`, async () => {
      const store = memoryStore();
      const clock = jumpingClock();
      await using _ = await take(store, held, clock);
      await assert.rejects(take(store, wanted, clock), (error) => {
        assert.ok(hasCode(error, 'REPOSITORY_LOCKED'));
        assert.match(error.message, new RegExp(`${hostname()}, process ${process.pid}, since 2026-`));
        assert.equal(error.message.includes('exclusively'), held);
        assert.match(error.hint ?? '', /holdfast unlock/);
        return true;
      });
      assert.equal((await locksOf(store)).length, 1, 'the one refused left nothing');
    });

  test('taken early is held at once, and lost when an exclusive one turns up before it has settled', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    const options = { exclusive: false, early: true, clock, signal: neverFires } as const;
    await using alone = await takeLock(store, sealer, options);
    await alone.settled;
    await using lock = await takeLock(store, sealer, options);
    assert.equal((await locksOf(store)).length, 2);
    await putLock(store, clock, { exclusive: true });
    await assert.rejects(lock.settled, (error) => hasCode(error, 'REPOSITORY_LOCKED'));
    assert.ok(lock.lost.aborted);
    assert.ok(hasCode(lock.lost.reason, 'REPOSITORY_LOCKED'));
  });

  test('says what restic wants to know, as the plain JSON that every restic reads', async () => {
    const store = memoryStore();
    await using _ = await take(store, true, jumpingClock());
    const [key = ''] = await locksOf(store);
    const plain = sealer.open(await store.get(key), key).toString();
    const { time, exclusive, pid, hostname: host, username } = JSON.parse(plain);
    assert.deepEqual([time, exclusive, pid, host], ['2026-01-01T00:00:00Z', true, process.pid, hostname()]);
    assert.equal(typeof username, 'string');
  });

  test('is waited for as long as told', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    const held = await take(store, true, clock);
    await assert.rejects(take(store, false, clock, 10 * minuteMs), { code: 'REPOSITORY_LOCKED' });
    assert.ok(clock.now().getTime() >= Date.UTC(2026, 0, 1, 0, 10));
    const waiting = take(store, false, clock, 60 * minuteMs);
    await pass(clock, 3 * minuteMs);
    await held[Symbol.asyncDispose]();
    await using _ = await waiting;
    assert.equal((await locksOf(store)).length, 1);
  });

  test('is not waited for any more when cancelled, and leaves nothing', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    await using _ = await take(store, true, clock);
    const cancel = new AbortController();
    const options = { exclusive: false, clock, retryMs: 60 * minuteMs, signal: cancel.signal };
    const waiting = takeLock(store, sealer, options);
    await pass(clock, 5 * minuteMs);
    cancel.abort();
    await assert.rejects(waiting, { code: 'CANCELLED' });
    await assert.rejects(takeLock(memoryStore(), sealer, options), { code: 'CANCELLED' });
    assert.equal((await locksOf(store)).length, 1);
  });

  test('stays behind, which is said, when its holder was cancelled and the store does not answer any more', async () => {
    const memory = memoryStore();
    const silent: Store = { ...memory, delete: () => new Promise(() => {}) };
    const cancel = new AbortController();
    const clock = jumpingClock();
    const lock = await takeLock(silent, sealer, { exclusive: false, clock, signal: cancel.signal });
    cancel.abort();
    await assert.rejects(async () => await lock[Symbol.asyncDispose](), { code: 'STORE_UNREACHABLE' });
  });

  test('that appears while ours settles wins, and ours is taken back', async () => {
    const clock = jumpingClock();
    for (const exclusive of [true, false]) {
      const store = memoryStore();
      const taking = take(store, !exclusive, clock);
      while ((await locksOf(store)).length === 0) await Promise.resolve();
      await putLock(store, clock, { exclusive });
      await assert.rejects(taking, { code: 'REPOSITORY_LOCKED' });
      assert.equal((await locksOf(store)).length, 1);
    }
  });

  test('is never held exclusively by two that begin at the same moment', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    let holders = 0;
    const work = async (): Promise<void> => {
      await using _ = await take(store, true, clock, 600 * minuteMs);
      holders += 1;
      assert.equal(holders, 1);
      await pass(clock, 2 * minuteMs);
      holders -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, work));
    assert.deepEqual(await locksOf(store), []);
  });

  test('knows whether it is the only one', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    await using first = await take(store, false, clock);
    assert.equal(await first.isAlone(), true);
    const second = await take(store, false, clock);
    assert.equal(await first.isAlone(), false);
    await second[Symbol.asyncDispose]();
    await pass(clock, 6 * minuteMs); // the first was refreshed and has another name
    assert.equal(await first.isAlone(), true);
  });
});

suite('a lock of somebody else', () => {
  const stale: Readonly<Record<string, object>> = {
    'that was not refreshed for half an hour': { time: '2025-12-31T23:29:59Z' },
    'of a process of this host that is gone': { hostname: hostname(), pid: deadPid },
    'of a process of this host whose id another one has now': {
      hostname: hostname(),
      pid: process.pid,
      started: `${thisProcess().started}0`,
    },
  };
  for (const [what, fields] of Object.entries(stale))
    test(`${what} is in nobody's way, and removed by unlock and by whom it would have stopped`, async () => {
      const clock = jumpingClock();
      for (const [held, wanted, left] of [
        [false, false, 1],
        [true, false, 0],
        [false, true, 0],
      ] as const) {
        const store = memoryStore();
        await putLock(store, clock, { exclusive: held, ...fields });
        {
          await using _ = await take(store, wanted, clock);
          assert.equal((await locksOf(store)).length, 1 + left);
          assert.equal(await deleteLocks(store, sealer, false, clock), left);
        }
        assert.deepEqual(await locksOf(store), []);
      }
    });

  const alive: Readonly<Record<string, object>> = {
    'that was refreshed 29 minutes ago': { time: '2025-12-31T23:31:00Z' },
    'of another host, whatever runs here': { pid: deadPid },
    'of this host and running': { hostname: hostname(), pid: process.pid },
    'of another container of this host': {
      hostname: hostname(),
      pid: deadPid,
      started: thisProcess().started.replace(/pid:\[\d+\]/, 'pid:[1]'),
    },
    'whose clock is ahead': { time: '2026-01-01T09:00:00Z' },
  };
  for (const [what, fields] of Object.entries(alive))
    test(`${what} counts, and only unlock --remove-all takes it away`, async () => {
      const store = memoryStore();
      const clock = jumpingClock();
      await putLock(store, clock, fields);
      const expected = { code: 'REPOSITORY_LOCKED', hint: /unlock --remove-all/ };
      await assert.rejects(take(store, true, clock), expected);
      assert.equal(await deleteLocks(store, sealer, false, clock), 0);
      assert.equal(await deleteLocks(store, sealer, true, clock), 1);
      assert.deepEqual(await locksOf(store), []);
    });

  for (const [held, wanted] of [
    [false, true],
    [true, false],
  ] as const)
    test(`${held ? 'exclusive' : 'shared'} is lost when its holder's clock is so far behind that somebody passed over it`, async () => {
      const store = memoryStore();
      const clock = jumpingClock();
      const behind = { ...clock, now: () => new Date(clock.now().getTime() - 45 * minuteMs) };
      await using lock = await take(store, held, behind);
      await using _ = await take(store, wanted, clock);
      await assert.rejects(lock.refuseIfLost(), { code: 'REPOSITORY_LOCKED', hint: /clocks/ });
    });

  test('that counts no more is removed also when it is refreshed at that moment', async () => {
    const memory = memoryStore();
    const clock = jumpingClock();
    const stale = { time: '2025-12-31T23:00:00Z' };
    await putLock(memory, clock, stale);
    let refreshes = 1;
    const store: Store = {
      ...memory,
      async delete(key) {
        if (refreshes-- > 0) await putLock(memory, clock, { ...stale, pid: 4712 });
        await memory.delete(key);
      },
    };
    await using _ = await take(store, true, clock);
    assert.equal((await locksOf(store)).length, 1);
  });

  test('that counts no more and may not be removed is passed over', async () => {
    const memory = memoryStore();
    const clock = jumpingClock();
    await putLock(memory, clock, { exclusive: true, time: '2025-12-31T23:00:00Z' });
    const denied = new HoldfastError('STORE_DENIED', 'only adding is allowed');
    const lock = await take({ ...memory, delete: () => Promise.reject(denied) }, false, clock);
    await lock.refuseIfLost();
    await assert.rejects(async () => await lock[Symbol.asyncDispose](), { code: 'STORE_DENIED' });
  });

  test('that is empty, as restic leaves it for a moment, is in nobody’s way', async () => {
    const store = memoryStore();
    await store.put(`locks/${'ab'.repeat(32)}`, new Uint8Array());
    await using _ = await take(store, true, jumpingClock());
  });

  test('that cannot be read stops us, with what to do about it', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    await store.put(`locks/${'ab'.repeat(32)}`, Buffer.from('noise'));
    const expected = { code: 'REPOSITORY_DAMAGED', message: /locks\/abab/, hint: /unlock --remove-all/ };
    await assert.rejects(take(store, false, clock), expected);
    await assert.rejects(deleteLocks(store, sealer, false, clock), expected);
    assert.equal(await deleteLocks(store, sealer, true, clock), 1);
  });
});

suite('a lock that is held for long', () => {
  test('is refreshed every five minutes, and is one file all the time', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    const lock = await take(store, false, clock);
    const seen = new Set<string>();
    for (let minute = 0; minute < 60; minute += 1) {
      await pass(clock, minuteMs);
      const locks = await locksOf(store);
      assert.equal(locks.length, 1);
      const file = (await loadUnpacked(store, sealer, 'locks', locks[0]!.slice(6))) as { time: string };
      assert.ok(clock.now().getTime() - Date.parse(file.time) <= 6 * minuteMs);
      seen.add(locks[0]!);
    }
    assert.ok(seen.size >= 11 && seen.size <= 13, `${seen.size} files`);
    assert.equal(lock.lost.aborted, false);
    await lock[Symbol.asyncDispose]();
    assert.deepEqual(await locksOf(store), []);
  });

  /** A store whose puts fail, or never end, while told. */
  const brokenStore = (): Store & { broken: 'no' | 'fails' | 'hangs' } => {
    const inner = memoryStore();
    const store = {
      ...inner,
      broken: 'no' as 'no' | 'fails' | 'hangs',
      async put(key: string, bytes: Uint8Array): Promise<void> {
        if (store.broken === 'hangs') await new Promise(() => {});
        if (store.broken === 'fails') throw new HoldfastError('STORE_UNREACHABLE', 'the line is down');
        await inner.put(key, bytes);
      },
    };
    return store;
  };

  test('survives a store that is away for a quarter of an hour', async () => {
    const store = brokenStore();
    const clock = jumpingClock();
    await using lock = await take(store, false, clock);
    store.broken = 'fails';
    await pass(clock, 16 * minuteMs);
    store.broken = 'no';
    await pass(clock, 60 * minuteMs);
    assert.equal(lock.lost.aborted, false);
  });

  for (const broken of ['fails', 'hangs'] as const)
    test(`is lost in time when the store ${broken}, before others may call it stale`, async () => {
      const store = brokenStore();
      const clock = jumpingClock();
      const lock = await take(store, false, clock);
      await pass(clock, 7 * minuteMs); // refreshed once
      store.broken = broken;
      await pass(clock, 19 * minuteMs);
      assert.equal(lock.lost.aborted, false);
      await pass(clock, 3 * minuteMs);
      assert.ok(hasCode(lock.lost.reason, 'REPOSITORY_LOCKED'));
      assert.match(lock.lost.reason.message, /could not be refreshed in time/);
      const [key = ''] = await locksOf(store);
      const { time } = (await loadUnpacked(store, sealer, 'locks', key.slice(6))) as { time: string };
      assert.ok(clock.now().getTime() - Date.parse(time) < 30 * minuteMs, 'others still honour it');
    });

  test('is lost when somebody removed it', async () => {
    const store = memoryStore();
    const clock = jumpingClock();
    await using lock = await take(store, false, clock);
    assert.equal(await deleteLocks(store, sealer, true, clock), 1);
    await pass(clock, 6 * minuteMs);
    assert.ok(hasCode(lock.lost.reason, 'REPOSITORY_LOCKED'));
    assert.match(lock.lost.reason.message, /somebody removed it/);
  });

  test('leaves nothing when it was stored anew and the old one could not be removed', async () => {
    const memory = memoryStore();
    const clock = jumpingClock();
    let failures = 1;
    const store: Store = {
      ...memory,
      async delete(key) {
        if (failures-- > 0) throw new HoldfastError('STORE_UNREACHABLE', 'the line is down');
        await memory.delete(key);
      },
    };
    const lock = await take(store, false, clock);
    await pass(clock, 6 * minuteMs);
    assert.equal((await locksOf(memory)).length, 2);
    await lock[Symbol.asyncDispose]();
    assert.deepEqual(await locksOf(memory), []);
  });

  test('is lost when somebody removed it while it was being refreshed', async () => {
    const memory = memoryStore();
    const clock = jumpingClock();
    let puts = 0;
    const store: Store = {
      ...memory,
      async put(key, bytes) {
        puts += 1;
        if (puts === 2) await deleteLocks(memory, sealer, true, clock);
        await memory.put(key, bytes);
      },
    };
    await using lock = await take(store, false, clock);
    await pass(clock, 6 * minuteMs);
    assert.equal(puts, 2);
    assert.match(String(lock.lost.reason), /somebody removed it/);
    assert.deepEqual(await locksOf(memory), []);
  });

  test('is lost after the machine slept, even if its timers stood still', async () => {
    const store = memoryStore();
    const jumping = jumpingClock();
    let sleptMs = 0;
    const clock: Clock = { ...jumping, now: () => new Date(jumping.now().getTime() + sleptMs) };
    await using lock = await take(store, false, clock);
    sleptMs = 40 * minuteMs;
    await pass(clock, 2000);
    assert.ok(hasCode(lock.lost.reason, 'REPOSITORY_LOCKED'));
  });
});
