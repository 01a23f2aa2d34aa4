// Promise: what is read was verified. Every kind of stored object is damaged in every way; each time the check (or the
// opening before it) names the object, and whatever is read of a snapshot is right or an error, never wrong.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import { readHeader } from '#repository/packs/pack-format.ts';
import { Sealer } from '#repository/sealing/seal.ts';
import {
  keysOf,
  memoryEntries,
  neverFires,
  openTestRepository,
  readFiles,
  type TestRepository,
  testRepository,
} from '#repository/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { orderChunks, randomBytes } from './tools/random.ts';
import { temporaryFolder } from './tools/temp.ts';

const seed = 20_261_121;
const random = seededRandom(seed);

/** Two snapshots in several packs, with everything a repository can hold; it stays in memory and is copied for each damage. */
const whole = await testRepository();
const content = new Map<string, Buffer>();
for (const round of [1, 2]) {
  content.set(`rows-${round}`, Buffer.concat([...orderChunks(random, 700_000)]));
  content.set(`noise-${round}`, randomBytes(random, 600_000));
  for (let file = 0; file < 12; file += 1)
    content.set(`folder/${round}-${file}`, randomBytes(random, file * 500));
  await whole.write(memoryEntries(Object.fromEntries(content)));
}
/** Every stored object, a lock among them. */
const objects = new Map<string, Uint8Array>();
{
  await using _ = await whole.open({ lock: 'shared' });
  for (const key of await keysOf(whole.store)) objects.set(key, await whole.store.get(key));
}
const objectAt = (key: string): Uint8Array => (objects.get(key) as Uint8Array).slice();
const sealer = new Sealer(whole.key);

type Kind = 'config' | 'keys' | 'locks' | 'index' | 'snapshots' | 'data packs' | 'tree packs';

interface Pack {
  readonly key: string;
  /** Where the header begins; its length is in the last four bytes. */
  readonly headerAt: number;
  readonly size: number;
}

const packs: Record<'data packs' | 'tree packs', Pack[]> = { 'data packs': [], 'tree packs': [] };
for (const [key, { length: size }] of objects) {
  if (!key.startsWith('data/')) continue;
  const entries = await readHeader(
    sealer,
    size,
    (offset, length) => whole.store.get(key, { offset, length }),
    key,
  );
  const headerAt = entries.reduce((sum, { length }) => sum + length, 0);
  packs[entries[0]?.type === 'tree' ? 'tree packs' : 'data packs'].push({ key, headerAt, size });
}

const keysOfKind = (kind: Kind): string[] =>
  kind === 'data packs' || kind === 'tree packs'
    ? packs[kind].map(({ key }) => key)
    : [...objects.keys()].filter((key) => key === kind || key.startsWith(`${kind}/`));

const kinds: readonly Kind[] = ['config', 'keys', 'locks', 'index', 'snapshots', 'data packs', 'tree packs'];

/** Damages a copy of the repository, and tells what is then reported; wrong bytes are a failure at once. */
const report = async (store: Store, damage: (store: Store) => Promise<void>): Promise<string[]> => {
  for (const [key, bytes] of objects) await store.put(key, bytes);
  await damage(store);
  const found: string[] = [];
  const damaged = openTestRepository(store, whole.key);
  await tell(found, () => readAll(damaged));
  const withLock = damaged.open({ lock: 'shared' });
  await tell(found, () => withLock.then((repository) => repository[Symbol.asyncDispose]()));
  await tell(found, async () => {
    const { problems } = await damaged.check();
    found.push(...problems);
  });
  return found;
};

const tell = async (found: string[], work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error instanceof Error ? error.stack : error));
    found.push(error.message);
  }
};

/** Everything that can be read is right; the first thing that cannot is thrown at the end. */
const readAll = async (damaged: TestRepository): Promise<void> => {
  await using repository = await damaged.open();
  for (const snapshot of await repository.snapshots()) {
    const files = new Map<string, Buffer>();
    let failure: unknown;
    for await (const { path, content: bytes } of repository.read(snapshot, { root: 'test' })) {
      if (!bytes) continue;
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of bytes()) chunks.push(Buffer.from(chunk));
        files.set(path, Buffer.concat(chunks));
      } catch (error) {
        failure ??= error;
      }
    }
    for (const [path, bytes] of files) assert.ok(content.get(path)?.equals(bytes), `${path} came back wrong`);
    if (failure) throw failure;
  }
};

const assertNamed = (found: readonly string[], key: string, how: string): void => {
  const name = key === 'config' ? 'config' : key.slice(key.lastIndexOf('/') + 1);
  assert.ok(
    found.some((text) => text.includes(name)),
    `${key}, ${how} (seed ${seed}), was not named in:\n${found.join('\n')}`,
  );
};

const flip = async (store: Store, key: string, bit: number): Promise<void> => {
  const bytes = await store.get(key);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  await store.delete(key);
  await store.put(key, bytes);
};

/** Byte ranges of an object of which each gets its flips. */
const parts = (
  kind: Kind,
  key: string,
  size: number,
): readonly (readonly [what: string, from: number, to: number])[] => {
  const pack =
    kind === 'data packs' || kind === 'tree packs' ? packs[kind].find((each) => each.key === key) : undefined;
  if (!pack)
    return [
      ['', 0, size],
      ['its IV', 0, 16],
      ['its authentication code', size - 16, size],
    ];
  return [
    ['an IV', 0, 16],
    ['its blobs', 16, pack.headerAt],
    ['its blobs', 16, pack.headerAt],
    ['its header', pack.headerAt, size - 4],
    ["its header's length", size - 4, size],
  ];
};

suite('one flipped bit', { concurrency: 2 }, () => {
  for (const kind of kinds)
    test(`in ${kind} is reported, and nothing wrong is read`, async () => {
      const chance: Random = random.fork(kind);
      const folder = temporaryFolder('flipped');
      const key = chance.pick(keysOfKind(kind));
      const { length: size } = objectAt(key);
      for (const [at, [what, from, to]] of parts(kind, key, size).entries()) {
        const bit = chance.integer(from * 8, to * 8);
        await using store = at % 2 === 0 ? memoryStore() : openLocalStore(`${folder}/${at}`);
        const found = await report(store, () => flip(store, key, bit));
        assertNamed(found, key, `bit ${bit} flipped in ${what}`);
      }
    });
});

suite('an object', { concurrency: 2 }, () => {
  const ways: Readonly<Record<string, (bytes: Uint8Array, other: Uint8Array) => Uint8Array | undefined>> = {
    'cut by a byte': (bytes) => bytes.subarray(0, -1),
    'cut in half': (bytes) => bytes.subarray(0, bytes.length >> 1),
    'longer by a byte': (bytes) => Buffer.concat([bytes, Buffer.of(0)]),
    emptied: () => new Uint8Array(),
    'in the place of another': (_, other) => other,
    deleted: () => undefined,
  };
  for (const kind of kinds)
    test(`of kind ${kind} that is cut, emptied, swapped or deleted is reported, and nothing wrong is read`, async () => {
      const [key, sibling] = random.fork(`shape ${kind}`).shuffle(keysOfKind(kind)) as [string, string?];
      const bytes = objectAt(key);
      // Where there is one only, that of another repository stands in for the other.
      const other = sibling ? objectAt(sibling) : await strangers(kind);
      const folder = temporaryFolder('shaped');
      for (const [at, [how, change]] of Object.entries(ways).entries()) {
        if (how === 'deleted' && ['snapshots', 'locks'].includes(kind)) continue; // as if it had never been
        if (how === 'emptied' && kind === 'locks') continue; // restic's own rule: it is being written
        await using store = at % 2 === 0 ? memoryStore() : openLocalStore(`${folder}/${at}`);
        const found = await report(store, async () => {
          const damaged = change(bytes, other);
          await store.delete(key);
          if (damaged) await store.put(key, damaged);
        });
        if (how !== 'deleted' || kind.endsWith('packs')) assertNamed(found, key, how);
        else assert.match(found.join('\n'), deletions[kind] ?? /never/, `${key}, ${how}`);
      }
    });

  const deletions: Readonly<Partial<Record<Kind, RegExp>>> = {
    config: /there is no repository at/,
    keys: /wrong password/,
    index: /is in no index/,
  };

  const strangers = async (kind: Kind): Promise<Uint8Array> => {
    const stranger = await testRepository();
    await using _ = await stranger.open({ lock: 'shared' });
    const [key = ''] = (await keysOf(stranger.store)).filter(
      (each) => each === kind || each.startsWith(`${kind}/`),
    );
    return key === '' ? randomBytes(random, 1000) : stranger.store.get(key);
  };
});

test('a share of the packs finds a flipped bit sooner or later, and all of them at once', async () => {
  const store = memoryStore();
  for (const [key, bytes] of objects) await store.put(key, bytes);
  await flip(store, packs['data packs'][0]!.key, 12_345);
  await using repository = await openTestRepository(store, whole.key).open();
  const structure = await repository.check({ signal: neverFires });
  assert.deepEqual(structure.problems, [], 'the structure alone does not show it');
  let rounds = 0;
  for (; rounds < 60; rounds += 1) {
    const { problems, bytesRead } = await repository.check({ readData: 0.3, signal: neverFires });
    assert.ok(bytesRead > 0);
    if (problems.length > 0) break;
  }
  assert.ok(rounds < 60);
});

test('undamaged, all of this is whole', async () => {
  assert.deepEqual(await report(memoryStore(), async () => {}), []);
  await using repository = await whole.open();
  const snapshot = (await repository.snapshots()).find(
    (each) => (each.summary?.totalFilesProcessed ?? 0) > 20,
  );
  assert.deepEqual(
    await readFiles(repository, snapshot!, { root: 'test' }),
    new Map([...content].toSorted()),
  );
});
