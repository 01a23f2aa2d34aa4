// What every store promises, as checks that tests run on each kind and `store verify` runs on a user's own storage.
// What they store is called as the place wants it (contract-names.ts), and they leave nothing there.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { forEachLimit } from '#lib/concurrency.ts';
import { type ErrorCode, hasCode } from '#lib/errors.ts';
import { largeObjectChecks } from './contract-large.ts';
import { listingChecks } from './contract-listing.ts';
import { type CheckedPlace, subjectAt } from './contract-names.ts';
import type { Store } from './store.ts';

export interface StoreCheck {
  /** The promise, as a sentence. */
  readonly name: string;
  /** What a broken one means for whoever keeps backups there, and what to do. */
  readonly matters: string;
  /** True when it opens the same place a second time, which a store in memory does not have. */
  readonly opensAgain?: true;
  /** True when it calls objects as it likes, which a store that keeps repositories only does not let it. */
  readonly namesFreely?: true;
  /** Throws when the promise is broken. */
  run(subject: StoreSubject): Promise<void>;
}

export interface StoreSubject {
  readonly store: Store;
  /** Opens the same place once more. */
  open(): Promise<Store>;
  /** Ends in '/'; of what is below it, the store shows what the check has put there. */
  readonly prefix: string;
  /** The key of an object of that name and content. */
  key(name: string, bytes: Uint8Array): string;
}

/** Runs one check and removes what it stored. */
export const runStoreCheck = async (check: StoreCheck, place: CheckedPlace): Promise<void> => {
  const subject = subjectAt(place, check.name.replaceAll(/\W+/g, '-'));
  try {
    await check.run(subject);
  } finally {
    const left = await Array.fromAsync(subject.store.list(subject.prefix));
    await forEachLimit(left, subject.store.connections, ({ key }) => subject.store.delete(key));
  }
};

/** Bytes that no compression or deduplication makes smaller; the same for the same seed. */
export const sampleBytes = (sizeBytes: number, seed: string): Uint8Array =>
  sizeBytes === 0
    ? new Uint8Array()
    : createHash('shake256', { outputLength: sizeBytes }).update(seed).digest();

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);

const assertHolds = async (store: Store, key: string, expected: Uint8Array): Promise<void> => {
  const actual = await store.get(key);
  assert.ok(Buffer.from(expected).equals(actual), `${key}: got ${actual.length} bytes other than those put`);
};

const assertFails = (work: () => Promise<unknown>, ...codes: ErrorCode[]): Promise<void> =>
  assert.rejects(work, (error) => {
    assert.ok(hasCode(error, ...codes), `expected ${codes.join(' or ')}, got ${String(error)}`);
    return true;
  });

const objectChecks: readonly StoreCheck[] = [
  {
    name: 'what is put is got back byte for byte',
    matters: 'no backup kept here could be restored',
    async run({ store, key }) {
      await store.put(key('every-byte', everyByte), everyByte);
      await assertHolds(store, key('every-byte', everyByte), everyByte);
    },
  },
  {
    name: 'an empty object is an object',
    matters: 'nothing for a repository, which stores no empty object',
    async run({ store, prefix, key }) {
      const empty = key('empty', new Uint8Array());
      await store.put(empty, new Uint8Array());
      await assertHolds(store, empty, new Uint8Array());
      assert.deepEqual(await Array.fromAsync(store.list(prefix), ({ key, size }) => ({ key, size })), [
        { key: empty, size: 0 },
      ]);
    },
  },
  {
    name: 'an object of 20 MiB comes back whole and in part',
    matters: 'packs are about that large: raise the limit of the storage, or of the proxy before it',
    async run({ store, key }) {
      const bytes = sampleBytes(20 * 1024 * 1024, 'large');
      const large = key('large', bytes);
      await store.put(large, bytes);
      await assertHolds(store, large, bytes);
      const range = { offset: 7_000_001, length: 9_000_000 };
      const part = await store.get(large, range);
      assert.ok(Buffer.from(bytes.buffer, bytes.byteOffset + range.offset, range.length).equals(part));
    },
  },
  {
    name: 'a put can be repeated',
    matters: 'a call that is made again after a broken connection would fail',
    async run({ store, key }) {
      const twice = key('twice', everyByte);
      await store.put(twice, everyByte);
      await store.put(twice, everyByte);
      await assertHolds(store, twice, everyByte);
    },
  },
  {
    name: 'bytes are copied on the way in and on the way out',
    matters: 'what is stored could be changed while it travels: please report it',
    async run({ store, key }) {
      const bytes = Buffer.from(everyByte);
      const own = key('own', bytes);
      await store.put(own, bytes);
      bytes.fill(1);
      (await store.get(own)).fill(2);
      await assertHolds(store, own, everyByte);
    },
  },
  {
    name: 'keys may have many levels and any characters of a file name',
    matters: 'nothing for a repository, whose names are plain; archives of odd names would not fit',
    namesFreely: true,
    async run({ store, prefix }) {
      const names = [
        'a/b/c/d/e/f',
        'two words',
        'Größe ✓ 漢字',
        `q'"&<>+%20%2F#?;=,:@$!*()~[]{}|\\^.txt`,
        '.hidden',
      ];
      for (const name of names) await store.put(prefix + name, Buffer.from(name));
      for (const name of names) await assertHolds(store, prefix + name, Buffer.from(name));
      const listed = await Array.fromAsync(store.list(prefix), ({ key }) => key);
      assert.deepEqual(listed.toSorted(), names.map((name) => prefix + name).toSorted());
    },
  },
  {
    name: 'keys that could leave the store are refused',
    matters: 'names could reach other files: please report it',
    async run({ store, prefix }) {
      for (const key of ['', '/a', 'a/', 'a//b', '..', '../a', 'a/../b', './a', 'a\0b', '\ud800']) {
        await assertFails(() => store.put(key, everyByte), 'PATH_UNSAFE');
        await assertFails(() => store.get(key), 'PATH_UNSAFE');
        await assertFails(() => store.delete(key), 'PATH_UNSAFE');
      }
      await assertFails(() => Array.fromAsync(store.list('../')), 'PATH_UNSAFE');
      assert.deepEqual(await Array.fromAsync(store.list(prefix)), []);
    },
  },
  {
    name: 'an absent object is reported missing',
    matters: 'a lost object would be taken for a failing storage, and asked for again for minutes',
    async run({ store, prefix, key }) {
      const absent = key('absent', Buffer.from('absent'));
      await assertFails(() => store.get(absent), 'OBJECT_MISSING');
      await assertFails(() => store.get(absent, { offset: 0, length: 1 }), 'OBJECT_MISSING');
      await assertFails(() => store.get(`${prefix}no/such/folder`), 'OBJECT_MISSING');
    },
  },
  {
    name: 'a deleted object is gone and can be deleted again',
    matters: 'forget and prune would not free space, or would stop half way',
    async run({ store, prefix, key }) {
      const gone = key('gone', everyByte);
      await store.put(gone, everyByte);
      await store.delete(gone);
      await store.delete(gone);
      await store.delete(`${prefix}no/such/folder`);
      await assertFails(() => store.get(gone), 'OBJECT_MISSING');
      assert.deepEqual(await Array.fromAsync(store.list(prefix)), []);
    },
  },
];

const rangeChecks: readonly StoreCheck[] = [
  {
    name: 'a range is exactly what was asked for',
    matters: 'restore reads ranges of packs: it would find damage where there is none',
    async run({ store, key }) {
      const ranges = key('ranges', everyByte);
      await store.put(ranges, everyByte);
      const ends = { 0: [0, 1, 256], 1: [256], 100: [101, 150], 255: [255, 256], 256: [256] };
      for (const [start, stops] of Object.entries(ends)) {
        const offset = Number(start);
        for (const end of stops) {
          const part = await store.get(ranges, { offset, length: end - offset });
          assert.deepEqual([...part], [...everyByte.subarray(offset, end)], `bytes ${offset} to ${end}`);
        }
      }
    },
  },
  {
    name: 'a range that goes beyond the end is an error and never short',
    matters: 'an object that was cut short would not be noticed at once',
    async run({ store, key }) {
      const short = key('short', everyByte);
      await store.put(short, everyByte);
      const ends = { 0: 257, 255: 257, 256: 257, 300: 310, 5000000000: 5_000_000_001 };
      for (const [start, end] of Object.entries(ends)) {
        const range = { offset: Number(start), length: end - Number(start) };
        await assertFails(() => store.get(short, range), 'OBJECT_MISSING');
      }
    },
  },
];

const lifeChecks: readonly StoreCheck[] = [
  {
    name: 'puts of the same object at once leave it whole',
    matters: 'two backups at once could damage what both store: run one at a time',
    async run({ store, prefix, key }) {
      const bytes = sampleBytes(300_000, 'same');
      const same = key('same', bytes);
      const copies = Array.from({ length: store.connections * 2 }, () => same);
      await forEachLimit(copies, store.connections, (copy) => store.put(copy, bytes));
      await assertHolds(store, same, bytes);
      assert.equal((await Array.fromAsync(store.list(prefix))).length, 1);
    },
  },
  {
    name: 'as many calls as it has connections go on at once',
    matters: 'set `connections` of the store lower',
    async run({ store, prefix, key }) {
      const seeds = Array.from({ length: store.connections * 4 }, (_, index) => String(index));
      await forEachLimit(seeds, store.connections, async (seed) => {
        const bytes = sampleBytes(100_000 + Number(seed), seed);
        await store.put(key(seed, bytes), bytes);
        await assertHolds(store, key(seed, bytes), bytes);
        await store.delete(key(seed, bytes));
      });
      assert.deepEqual(await Array.fromAsync(store.list(prefix)), []);
    },
  },
  {
    name: 'what was put is there when the store is opened again',
    matters: 'no backup kept here could be restored',
    opensAgain: true,
    async run({ store, open, key }) {
      const kept = key('kept', everyByte);
      await store.put(kept, everyByte);
      await using again = await open();
      await assertHolds(again, kept, everyByte);
    },
  },
  {
    name: 'a closed store refuses to work, and closing it twice is harmless',
    matters: 'nothing for the storage: please report it',
    async run({ open, prefix, key }) {
      const late = key('late', everyByte);
      const store = await open();
      await store[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await assertFails(() => store.put(late, everyByte), 'FAILED');
      await assertFails(() => store.get(late), 'FAILED');
      await assertFails(() => Array.fromAsync(store.list(prefix)), 'FAILED');
      await assertFails(() => store.delete(late), 'FAILED');
    },
  },
];

/** Every promise of a store, each a check of its own. */
export const storeChecks: readonly StoreCheck[] = [
  ...objectChecks,
  ...rangeChecks,
  ...listingChecks,
  ...lifeChecks,
  ...largeObjectChecks,
];
