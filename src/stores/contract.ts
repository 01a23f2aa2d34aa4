// What every store promises, as checks that tests run on each kind and `store verify` runs on a user's own storage.
// They write below a prefix of their own and leave nothing there.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { forEachLimit } from '#lib/concurrency.ts';
import { type ErrorCode, hasCode } from '#lib/errors.ts';
import { largeObjectChecks } from './contract-large.ts';
import { listingChecks } from './contract-listing.ts';
import type { Store } from './store.ts';

export interface StoreCheck {
  /** The promise, as a sentence. */
  readonly name: string;
  /** What a broken one means for whoever keeps backups there, and what to do. */
  readonly matters: string;
  /** True when it opens the same place a second time, which a store in memory does not have. */
  readonly opensAgain?: true;
  /** Throws when the promise is broken. */
  run(subject: StoreSubject): Promise<void>;
}

export interface StoreSubject {
  readonly store: Store;
  /** Opens the same place once more. */
  open(): Promise<Store>;
  /** Ends in '/'; nothing else is below it. */
  readonly prefix: string;
}

/** Runs one check below a scratch prefix of the store and removes what it stored there. */
export const runStoreCheck = async (check: StoreCheck, subject: StoreSubject): Promise<void> => {
  const prefix = `${subject.prefix}${check.name.replaceAll(/\W+/g, '-')}/`;
  try {
    await check.run({ ...subject, prefix });
  } finally {
    const left = await Array.fromAsync(subject.store.list(prefix));
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
    async run({ store, prefix }) {
      await store.put(`${prefix}every-byte`, everyByte);
      await assertHolds(store, `${prefix}every-byte`, everyByte);
    },
  },
  {
    name: 'an empty object is an object',
    matters: 'nothing for a repository, which stores no empty object',
    async run({ store, prefix }) {
      await store.put(`${prefix}empty`, new Uint8Array());
      await assertHolds(store, `${prefix}empty`, new Uint8Array());
      assert.deepEqual(await Array.fromAsync(store.list(prefix), ({ key, size }) => ({ key, size })), [
        { key: `${prefix}empty`, size: 0 },
      ]);
    },
  },
  {
    name: 'an object of 20 MiB comes back whole and in part',
    matters: 'packs are about that large: raise the limit of the storage, or of the proxy before it',
    async run({ store, prefix }) {
      const bytes = sampleBytes(20 * 1024 * 1024, 'large');
      await store.put(`${prefix}large`, bytes);
      await assertHolds(store, `${prefix}large`, bytes);
      const range = { offset: 7_000_001, length: 9_000_000 };
      const part = await store.get(`${prefix}large`, range);
      assert.ok(Buffer.from(bytes.buffer, bytes.byteOffset + range.offset, range.length).equals(part));
    },
  },
  {
    name: 'a put can be repeated',
    matters: 'a call that is made again after a broken connection would fail',
    async run({ store, prefix }) {
      await store.put(`${prefix}twice`, everyByte);
      await store.put(`${prefix}twice`, everyByte);
      await assertHolds(store, `${prefix}twice`, everyByte);
    },
  },
  {
    name: 'bytes are copied on the way in and on the way out',
    matters: 'what is stored could be changed while it travels: please report it',
    async run({ store, prefix }) {
      const bytes = Buffer.from(everyByte);
      await store.put(`${prefix}own`, bytes);
      bytes.fill(1);
      (await store.get(`${prefix}own`)).fill(2);
      await assertHolds(store, `${prefix}own`, everyByte);
    },
  },
  {
    name: 'keys may have many levels and any characters of a file name',
    matters: 'nothing for a repository, whose names are plain; archives of odd names would not fit',
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
    async run({ store, prefix }) {
      await assertFails(() => store.get(`${prefix}absent`), 'OBJECT_MISSING');
      await assertFails(() => store.get(`${prefix}absent`, { offset: 0, length: 1 }), 'OBJECT_MISSING');
      await assertFails(() => store.get(`${prefix}no/such/folder`), 'OBJECT_MISSING');
    },
  },
  {
    name: 'a deleted object is gone and can be deleted again',
    matters: 'forget and prune would not free space, or would stop half way',
    async run({ store, prefix }) {
      await store.put(`${prefix}gone`, everyByte);
      await store.delete(`${prefix}gone`);
      await store.delete(`${prefix}gone`);
      await store.delete(`${prefix}no/such/folder`);
      await assertFails(() => store.get(`${prefix}gone`), 'OBJECT_MISSING');
      assert.deepEqual(await Array.fromAsync(store.list(prefix)), []);
    },
  },
];

const rangeChecks: readonly StoreCheck[] = [
  {
    name: 'a range is exactly what was asked for',
    matters: 'restore reads ranges of packs: it would find damage where there is none',
    async run({ store, prefix }) {
      await store.put(`${prefix}ranges`, everyByte);
      const ends = { 0: [0, 1, 256], 1: [256], 100: [101, 150], 255: [255, 256], 256: [256] };
      for (const [start, stops] of Object.entries(ends)) {
        const offset = Number(start);
        for (const end of stops) {
          const part = await store.get(`${prefix}ranges`, { offset, length: end - offset });
          assert.deepEqual([...part], [...everyByte.subarray(offset, end)], `bytes ${offset} to ${end}`);
        }
      }
    },
  },
  {
    name: 'a range that goes beyond the end is an error and never short',
    matters: 'an object that was cut short would not be noticed at once',
    async run({ store, prefix }) {
      await store.put(`${prefix}short`, everyByte);
      const ends = { 0: 257, 255: 257, 256: 257, 300: 310, 5000000000: 5_000_000_001 };
      for (const [start, end] of Object.entries(ends)) {
        const range = { offset: Number(start), length: end - Number(start) };
        await assertFails(() => store.get(`${prefix}short`, range), 'OBJECT_MISSING');
      }
    },
  },
];

const lifeChecks: readonly StoreCheck[] = [
  {
    name: 'puts of the same object at once leave it whole',
    matters: 'two backups at once could damage what both store: run one at a time',
    async run({ store, prefix }) {
      const bytes = sampleBytes(300_000, 'same');
      const copies = Array.from({ length: store.connections * 2 }, () => `${prefix}same`);
      await forEachLimit(copies, store.connections, (key) => store.put(key, bytes));
      await assertHolds(store, `${prefix}same`, bytes);
      assert.equal((await Array.fromAsync(store.list(prefix))).length, 1);
    },
  },
  {
    name: 'as many calls as it has connections go on at once',
    matters: 'set `connections` of the store lower',
    async run({ store, prefix }) {
      const seeds = Array.from({ length: store.connections * 4 }, (_, index) => String(index));
      await forEachLimit(seeds, store.connections, async (seed) => {
        const bytes = sampleBytes(100_000 + Number(seed), seed);
        await store.put(prefix + seed, bytes);
        await assertHolds(store, prefix + seed, bytes);
        await store.delete(prefix + seed);
      });
      assert.deepEqual(await Array.fromAsync(store.list(prefix)), []);
    },
  },
  {
    name: 'what was put is there when the store is opened again',
    matters: 'no backup kept here could be restored',
    opensAgain: true,
    async run({ store, open, prefix }) {
      await store.put(`${prefix}kept`, everyByte);
      await using again = await open();
      await assertHolds(again, `${prefix}kept`, everyByte);
    },
  },
  {
    name: 'a closed store refuses to work, and closing it twice is harmless',
    matters: 'nothing for the storage: please report it',
    async run({ open, prefix }) {
      const store = await open();
      await store[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await assertFails(() => store.put(`${prefix}late`, everyByte), 'FAILED');
      await assertFails(() => store.get(`${prefix}late`), 'FAILED');
      await assertFails(() => Array.fromAsync(store.list(prefix)), 'FAILED');
      await assertFails(() => store.delete(`${prefix}late`), 'FAILED');
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
