// What goes wrong while a snapshot is written: who is told, what is kept, and what the next run finds.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { setImmediate as otherWork } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { HoldfastError } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { seededRandom } from '#lib/random.ts';
import { jumpingClock } from '#lib/testing.ts';
import type { Entry } from '#sources/source.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { withFaults } from '#stores/wrappers/faults.ts';
import { withRetry } from '#stores/wrappers/retry.ts';
import { randomData, sqlData } from '../chunker/testing.ts';
import type { ItemOutcome } from '../contract.ts';
import {
  fileEntry,
  keysOf,
  memoryEntries,
  neverFires,
  openTestRepository,
  readFiles,
  storedBytes,
  testRepository,
  writeOptions,
} from '../testing.ts';

const big = randomData(4_000_000, 1);

const contentThatFails = (error: Error, after: Uint8Array = Buffer.from('begun')) =>
  async function* (): AsyncGenerator<Uint8Array> {
    yield after;
    throw error;
  };

suite('an item that cannot be read', () => {
  const unreadable = new HoldfastError('ITEM_UNREADABLE', 'permission denied for table b');

  test('is left out and named, the rest is stored, and the snapshot says that it is partial', async () => {
    const repository = await testRepository();
    const outcomes: ItemOutcome[] = [];
    const report = await repository.write(
      memoryEntries({
        'data/a': 'a',
        'data/b': { item: 'public.b', content: contentThatFails(unreadable, big) },
        'data/c': { failed: new HoldfastError('ITEM_UNREADABLE', 'EACCES') },
        'data/d/': { failed: unreadable },
        e: 'e',
      }),
      { onItem: (outcome) => outcomes.push(outcome) },
    );
    assert.deepEqual(
      report.failures.map(({ path, item, error }) => [path, item, error?.message]),
      [
        ['data/b', 'public.b', 'permission denied for table b'],
        ['data/c', undefined, 'EACCES'],
        ['data/d', undefined, 'permission denied for table b'],
      ],
    );
    assert.deepEqual(outcomes, report.failures);
    assert.deepEqual(report.snapshot?.tags, ['source:test', 'partial']);
    await using opened = await repository.open();
    assert.deepEqual([...(await readFiles(opened, report.snapshot!)).keys()], ['test/data/a', 'test/e']);
    assert.deepEqual((await repository.check()).problems, []);
  });

  test('among several that are read at once does not disturb the others', async () => {
    const repository = await testRepository();
    const tree = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [
        `${index}`,
        index % 3 === 0
          ? { content: contentThatFails(unreadable, randomData(900_000, index)) }
          : sqlData(900_000, index),
      ]),
    );
    const report = await repository.write(memoryEntries(tree), { concurrency: 4 });
    assert.equal(report.failures.length, 7);
    await using opened = await repository.open();
    assert.equal((await readFiles(opened, report.snapshot!)).size, 13);
    assert.deepEqual((await repository.check()).problems, []);
  });
});

suite('a source that fails', () => {
  for (const concurrency of [1, 4])
    test(`ends the run with its own error and makes no snapshot (${concurrency} at once)`, async () => {
      const repository = await testRepository();
      const lost = new HoldfastError('SOURCE_UNREACHABLE', 'the server closed the connection');
      const source = { a: big, b: { content: contentThatFails(lost, big) }, c: 'c' };
      await assert.rejects(repository.write(memoryEntries(source), { concurrency }), lost);
      assert.deepEqual(await keysOf(repository.store, 'snapshots/'), []);
      const bug = new TypeError('undefined is not a function');
      const broken = { a: { content: contentThatFails(bug) } };
      await assert.rejects(repository.write(memoryEntries(broken), { concurrency }), bug);
      const { problems, notes } = await repository.check();
      assert.deepEqual([...problems, ...notes], [], 'what was stored is listed');
    });

  test('between its entries ends the run as well, after what is being read has ended', async () => {
    const repository = await testRepository();
    let ended = false;
    async function* entries(): AsyncGenerator<Entry> {
      yield {
        path: 'slow',
        type: 'file',
        meta: {},
        async *content() {
          await otherWork();
          yield big;
          ended = true;
        },
      };
      throw new HoldfastError('SOURCE_DENIED', 'no more');
    }
    await assert.rejects(repository.write(entries(), { concurrency: 2 }), { code: 'SOURCE_DENIED' });
    assert.equal(ended, true);
  });

  test('has the entries it will not give any more closed, so that it can let go of what it holds', async () => {
    const repository = await testRepository();
    const closed: string[] = [];
    async function* entries(): AsyncGenerator<Entry> {
      try {
        yield {
          path: 'x',
          type: 'file',
          meta: {},
          async *content() {
            try {
              yield Buffer.from('x');
              throw new HoldfastError('SOURCE_DENIED', 'no');
            } finally {
              closed.push('content');
            }
          },
        };
        yield fileEntry('y', big);
      } finally {
        closed.push('entries');
      }
    }
    await assert.rejects(repository.write(entries()), { code: 'SOURCE_DENIED' });
    assert.deepEqual(closed, ['content', 'entries']);
  });

  const twice: Readonly<Record<string, readonly Entry[]>> = {
    'two files': [fileEntry('d/same', big), fileEntry('d/same', Buffer.from('2'))],
    'a file and a symlink': [
      fileEntry('d/same', Buffer.from('1')),
      { path: 'd/same', type: 'symlink', meta: { linkTarget: 'x' } },
    ],
    'a folder twice, with others between': [
      fileEntry('d/same/x', Buffer.from('1')),
      fileEntry('d/t', Buffer.from('2')),
      fileEntry('d/same/y', Buffer.from('3')),
    ],
  };
  for (const [what, entries] of Object.entries(twice))
    test(`by giving ${what} of one name is refused, and what it began is not taken for stored`, async () => {
      const repository = await testRepository();
      await using opened = await repository.open();
      await assert.rejects(opened.write(toAsync(entries), writeOptions()), {
        code: 'FAILED',
        message: 'the source gave two entries named test/d/same',
      });
      await opened.write(memoryEntries({ big, one: '1', two: '2' }), writeOptions());
      assert.deepEqual((await repository.check()).problems, []);
    });
});

suite('a run that is cancelled', () => {
  /** Writes until a pack is stored, and cancels; gives what had been read by then. */
  const cancelled = async (
    store: Store,
    key: Parameters<typeof openTestRepository>[1],
  ): Promise<Uint8Array> => {
    const cancel = new AbortController();
    await using repository = await openTestRepository(store, key).open({
      lock: 'shared',
      retryLockMs: 1, // a lock that may be waited for has settled when it is given
      signal: cancel.signal,
    });
    const pieces: Uint8Array[] = [];
    const content = async function* (): AsyncGenerator<Uint8Array> {
      while (!cancel.signal.aborted) {
        const piece = randomData(1_000_000, pieces.length);
        pieces.push(piece);
        yield piece;
        if ((await keysOf(store, 'data/')).length > 0) cancel.abort();
      }
    };
    await assert.rejects(
      repository.write(memoryEntries({ a: content, b: 'b' }), writeOptions({ signal: neverFires })),
      { code: 'CANCELLED' },
    );
    assert.equal((await keysOf(store, 'locks/')).length, 1);
    return Buffer.concat(pieces);
  };

  test('makes no snapshot, removes its lock, and what it stored is listed for the next run', async () => {
    const { store, key, write, check } = await testRepository();
    const a = await cancelled(store, key);
    assert.deepEqual(await keysOf(store, 'locks/'), []);
    assert.deepEqual(await keysOf(store, 'snapshots/'), []);
    const { problems, notes, blobs } = await check();
    assert.deepEqual([...problems, ...notes], []);
    assert.ok(blobs > 5);
    const stored = await storedBytes(store, 'data/');
    const { summary, snapshot } = await write(memoryEntries({ a, b: 'b' }));
    const again = summary.dataAdded - (a.length - stored);
    assert.ok(again < 100_000, `${again} bytes were stored again`);
    assert.ok(snapshot);
    assert.deepEqual((await check()).problems, []);
  });

  test('before it began writes nothing', async () => {
    const { store, open } = await testRepository();
    const keys = await keysOf(store);
    await using repository = await open();
    const signal = AbortSignal.abort();
    await assert.rejects(repository.write(memoryEntries({ a: big }), writeOptions({ signal })), {
      code: 'CANCELLED',
    });
    assert.deepEqual(await keysOf(store), keys);
  });
});

suite('a dry run', () => {
  test('counts what would be stored and stores nothing', async () => {
    const { store, write, open } = await testRepository();
    const keys = await keysOf(store);
    const tree = { a: big, b: sqlData(2_000_000, 2), c: big };
    const dry = await write(memoryEntries(tree), { dryRun: true });
    assert.equal(dry.snapshot, undefined);
    assert.deepEqual(await keysOf(store), keys);
    assert.equal(dry.summary.totalBytesProcessed, 10_000_000);
    const { summary } = await write(memoryEntries(tree));
    assert.deepEqual(
      [dry.summary.dataBlobs, dry.summary.dataAdded, dry.summary.treeBlobs],
      [summary.dataBlobs, summary.dataAdded, summary.treeBlobs],
    );
    await using repository = await open();
    assert.equal((await repository.snapshots()).length, 1);
  });

  test('is not taken for a real one by what is written after it', async () => {
    const { open, check } = await testRepository();
    await using repository = await open();
    await repository.write(memoryEntries({ big }), writeOptions({ dryRun: true }));
    await repository.write(memoryEntries({ big }), writeOptions());
    assert.deepEqual((await check()).problems, []);
  });
});

suite('a store that fails', () => {
  test('ends the run with the store’s error, and what was begun is not taken for stored by the next write', async () => {
    const inner = memoryStore();
    let isFull = false;
    const store: Store = {
      ...inner,
      async put(key, bytes) {
        if (isFull && key.startsWith('data/')) throw new HoldfastError('STORE_FULL', 'no space left');
        await inner.put(key, bytes);
      },
    };
    const { open, check } = await testRepository(store);
    await using repository = await open();
    await repository.write(memoryEntries({ before: 'before' }), writeOptions());
    isFull = true;
    const tree = { big: randomData(20_000_000, 5), small: 'small' };
    await assert.rejects(repository.write(memoryEntries(tree), writeOptions()), { code: 'STORE_FULL' });
    isFull = false;
    assert.deepEqual((await check()).problems, []);
    await repository.write(memoryEntries(tree), writeOptions());
    assert.deepEqual((await check()).problems, []);
    assert.equal((await repository.snapshots()).length, 2);
  });

  for (const seed of [1, 2])
    test(`now and then, at every twentieth call, is asked again, and the result is whole (seed ${seed})`, async () => {
      const clock = jumpingClock();
      const kinds = ['before', 'after', 'torn', 'stale', 'delay'] as const;
      const inner = await testRepository();
      const random = seededRandom(seed);
      const store = withRetry(withFaults(inner.store, { seed, rate: 0.05, kinds, clock }), {
        clock,
        random,
        log: silentLog,
        signal: neverFires,
      });
      const { write, open } = openTestRepository(store, inner.key);
      const tree: Record<string, Uint8Array> = {};
      for (let index = 0; index < 60; index += 1)
        tree[`${index % 7}/${index}`] = randomData(random.integer(0, 800_000), index);
      let parent: Awaited<ReturnType<typeof write>>['snapshot'];
      for (let round = 0; round < 3; round += 1) {
        tree[`new ${round}`] = randomData(1_000_000, round + 100);
        parent = (await write(memoryEntries(tree), { ...(parent && { parent }) })).snapshot;
      }
      await using repository = await open();
      const files = await readFiles(repository, parent!, { root: 'test' });
      assert.equal(files.size, 63);
      for (const [path, content] of Object.entries(tree)) assert.ok(files.get(path)?.equals(content), path);
      const { problems, notes, snapshots } = await inner.check();
      assert.deepEqual([...problems, ...notes], []);
      assert.equal(snapshots, 3);
    });

  for (const kinds of [['short'], ['wrong']] as const)
    test(`by giving ${kinds[0] === 'short' ? 'too few' : 'wrong'} bytes never passes for a good one`, async () => {
      const inner = await testRepository();
      const tree = Object.fromEntries(
        Array.from({ length: 30 }, (_, index) => [`${index}`, sqlData(20_000, index)]),
      );
      const { snapshot } = await inner.write(memoryEntries(tree));
      let errors = 0;
      for (let seed = 0; seed < 12; seed += 1) {
        const store = withFaults(inner.store, { seed, rate: 0.5, kinds, clock: jumpingClock() });
        try {
          await using repository = await openTestRepository(store, inner.key).open();
          for (const [path, bytes] of await readFiles(repository, snapshot!, { root: 'test' }))
            assert.ok(bytes.equals(tree[path]!), 'wrong bytes came through');
        } catch (error) {
          assert.ok(error instanceof HoldfastError, String(error));
          errors += 1;
        }
      }
      assert.ok(errors > 0);
    });
});

test('a thread that dies ends the run, also when it had nothing to do', async () => {
  const repository = await testRepository();
  const idle = once(process, 'worker').then(async ([thread]: Worker[]) => {
    await once(thread!, 'message');
    return thread!;
  });
  async function* entries(): AsyncGenerator<Entry> {
    yield fileEntry('a', randomData(1_200_000, 8));
    const thread = await idle;
    yield fileEntry('b', Buffer.from('waits for others, to be handed over with them'));
    await thread.terminate();
    yield fileEntry('c', Buffer.from('comes too late'));
  }
  await assert.rejects(repository.write(entries()), /a worker thread ended/);
});

async function* toAsync<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}
