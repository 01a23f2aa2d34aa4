import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import {
  fileEntry,
  memoryEntries,
  openTestRepository,
  readFiles,
  testRepository,
} from '#repository/testing.ts';
import type { Content, Entry } from '#sources/source.ts';
import { randomBytes } from '../../test/tools/random.ts';
import { backUp } from './backup.ts';
import { type Branch, commonPrevious, tee } from './tee.ts';
import { plainSource, rememberingContext } from './testing.ts';

const contentOf = async (entry: Entry): Promise<string> => {
  let text = '';
  for await (const piece of entry.content?.() ?? []) text += Buffer.from(piece).toString();
  return text;
};

const readAll = async (entries: AsyncIterable<Entry>): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  for await (const entry of entries) found[entry.path] = await contentOf(entry);
  return found;
};

const tree = {
  'a.txt': 'one',
  'deep/': {},
  'deep/b.txt': 'x'.repeat(1_000_000),
  link: '->a.txt',
  'z.txt': 'end',
};

test('every branch reads all of it, and the source is read once', async () => {
  let opened = 0;
  const open = (content: () => Content): Content => {
    opened += 1;
    return content();
  };
  async function* counted(): AsyncGenerator<Entry> {
    for await (const entry of memoryEntries(tree)) {
      const { content } = entry;
      yield content ? { ...entry, content: () => open(content) } : entry;
    }
  }
  const all = await Promise.all(tee(counted(), 3).map(({ entries }) => readAll(entries)));
  const alone = await readAll(memoryEntries(tree));
  assert.deepEqual(all, [alone, alone, alone]);
  assert.equal(opened, 3);
});

test('no piece is read before every branch has taken the one before', async () => {
  let ahead = 0;
  let most = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let piece = 0; piece < 20; piece += 1) {
      ahead += 2;
      most = Math.max(most, ahead);
      yield Buffer.from('piece');
    }
  }
  async function* entries(): AsyncGenerator<Entry> {
    yield { path: 'a', type: 'file', meta: {}, content: pieces };
  }
  const slowly = async (branch: AsyncIterable<Entry>, turns: number): Promise<void> => {
    for await (const { content } of branch)
      for await (const _ of content?.() ?? []) {
        for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
        ahead -= 1;
      }
  };
  const [quick, slow] = tee(entries(), 2) as [Branch, Branch];
  await Promise.all([slowly(quick.entries, 0), slowly(slow.entries, 5)]);
  assert.equal(most, 2);
});

test('a branch that leaves, whenever it does, holds up no other', async () => {
  const random = seededRandom('tee');
  const alone = await readAll(memoryEntries(tree));
  for (let round = 0; round < 200; round += 1) {
    const branches = tee(memoryEntries(tree), 3);
    const read = async ({ entries, leave }: Branch, stops: number): Promise<unknown> => {
      try {
        let pieces = 0;
        for await (const entry of entries) {
          if (random.chance(0.2)) continue;
          for await (const _ of entry.content?.() ?? []) {
            pieces += 1;
            if (pieces === stops) return undefined;
          }
        }
        return undefined;
      } finally {
        leave();
      }
    };
    const [first, second, third] = branches as [Branch, Branch, Branch];
    const [whole] = await Promise.all([
      readAll(first.entries),
      read(second, random.integer(0, 8)),
      read(third, random.integer(0, 8)),
    ]);
    assert.deepEqual(whole, alone);
  }
});

test('what goes wrong in the source goes wrong in every branch', async () => {
  async function* broken(): AsyncGenerator<Entry> {
    yield fileEntry('a', Buffer.from('one'));
    throw new Error('the server went away');
  }
  const all = await Promise.allSettled(tee(broken(), 2).map(({ entries }) => readAll(entries)));
  assert.deepEqual(
    all.map((one) => one.status === 'rejected' && String(one.reason)),
    ['Error: the server went away', 'Error: the server went away'],
  );
});

test('several contents at once, as a database gives them, reach every branch', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`t${at + 10}`, `${at} `.repeat(50_000)]),
  );
  const branches = tee(memoryEntries(files), 2);
  const read = async (entries: AsyncIterable<Entry>, atOnce: number): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    const running = new Set<Promise<void>>();
    for await (const entry of entries) {
      const keep = (text: string): void => {
        found[entry.path] = text;
      };
      const task: Promise<void> = contentOf(entry)
        .then(keep)
        .finally(() => running.delete(task));
      running.add(task);
      if (running.size >= atOnce) await Promise.race(running);
    }
    await Promise.all(running);
    return found;
  };
  const [one, other] = await Promise.all([
    read(branches[0]?.entries as never, 4),
    read(branches[1]?.entries as never, 2),
  ]);
  assert.deepEqual(one, files);
  assert.deepEqual(other, files);
});

test('an earlier entry is known only where all repositories have the same', async () => {
  const of = (size: number, begun = 2000) => ({
    begun: new Date(begun),
    entry: async () => ({ type: 'file' as const, meta: { size }, content: async function* () {} }),
  });
  assert.equal((await commonPrevious([of(1), of(1)])?.entry('a'))?.meta.size, 1);
  assert.equal(await commonPrevious([of(1), of(2)])?.entry('a'), undefined);
  assert.equal(commonPrevious([of(1), undefined]), undefined);
  assert.equal(commonPrevious([of(1), of(1, 1000), of(1, 3000)])?.begun.getTime(), 1000);
});

test('two repositories get the same snapshot from one reading; one that breaks spoils only its own', async () => {
  const [good, bad] = [await testRepository(), await testRepository()];
  const broken = { ...bad.store, put: async () => Promise.reject(new Error('the disk is gone')) };
  await using healthy = await good.open();
  await using failing = await openTestRepository(broken, bad.key).open();
  const context = rememberingContext();
  const request = {
    sources: [plainSource('shop', tree), plainSource('media', tree)],
    targets: [
      { name: 'bad', repository: failing },
      { name: 'good', repository: healthy },
    ],
    runId: 'r1',
    tags: [],
    dryRun: false,
  };
  const outcomes = await Array.fromAsync(backUp(request, context));
  assert.deepEqual(
    outcomes.map(({ source, repository, state }) => `${source} ${repository} ${state}`),
    ['shop bad failed', 'shop good ok', 'media bad failed', 'media good ok'],
  );
  const [snapshot] = await healthy.snapshots();
  assert.ok(snapshot);
  assert.equal((await readFiles(healthy, snapshot)).get('shop/deep/b.txt')?.length, 1_000_000);
});

test('a repository that breaks amid several open contents holds up no other', async () => {
  const random = seededRandom('breaks amid');
  const files = Object.fromEntries(
    Array.from({ length: 8 }, (_, at) => [`t${at + 10}`, randomBytes(random, 5_000_000)]),
  );
  const plain = plainSource('shop', files);
  const source: typeof plain = {
    ...plain,
    open: async (context) => ({ ...(await plain.open(context)), concurrency: 4 }),
  };
  const [good, bad] = [await testRepository(), await testRepository()];
  let packsLeft = 1;
  const put: typeof bad.store.put = async (key, bytes) => {
    if (key.startsWith('data/') && packsLeft-- <= 0) throw new Error('the disk is gone');
    await bad.store.put(key, bytes);
  };
  await using healthy = await good.open();
  await using failing = await openTestRepository({ ...bad.store, put }, bad.key).open();
  const targets = [
    { name: 'bad', repository: failing },
    { name: 'good', repository: healthy },
  ];
  const request = { sources: [source], targets, runId: 'r1', tags: [], dryRun: false };
  const outcomes = await Array.fromAsync(backUp(request, rememberingContext()));
  assert.deepEqual(
    outcomes.map((outcome) => [
      outcome.state,
      'report' in outcome && outcome.report.summary.totalBytesProcessed,
    ]),
    [
      ['failed', false],
      ['ok', 40_000_000],
    ],
  );
});
