// The part of the store contract that is about listings.
import assert from 'node:assert/strict';
import { forEachLimit } from '#lib/concurrency.ts';
import type { StoreCheck, StoreSubject } from './contract.ts';
import type { Store } from './store.ts';

const manyObjects = 1100; // more than one page of S3

const namesOf = async (store: Store, prefix: string): Promise<string[]> =>
  (await Array.fromAsync(store.list(prefix), ({ key }) => key)).toSorted();

/** Objects that hold their own names. */
const putAll = async ({ store, key }: StoreSubject, names: readonly string[]): Promise<string[]> => {
  const objects = names.map((name) => {
    const bytes = Buffer.from(name);
    return { key: key(name, bytes), bytes };
  });
  await forEachLimit(objects, store.connections, (object) => store.put(object.key, object.bytes));
  return objects.map((object) => object.key);
};

export const listingChecks: readonly StoreCheck[] = [
  {
    name: 'a listing has every object below the prefix, once, with its size',
    matters:
      'snapshots or packs could be overlooked, and prune could remove what is used: do not keep a repository here',
    async run(subject) {
      const names = Array.from({ length: manyObjects }, (_, index) => `${index % 16}/${index}`);
      const keys = await putAll(subject, names);
      const listed = await Array.fromAsync(subject.store.list(subject.prefix));
      assert.deepEqual(listed.map(({ key }) => key).toSorted(), keys.toSorted());
      const sizes = new Map(keys.map((key, index) => [key, names[index]?.length]));
      for (const { key, size } of listed) assert.equal(size, sizes.get(key), key);
    },
  },
  {
    name: 'a prefix is compared by characters, not by folders',
    matters: 'folders of a repository could be mixed up',
    namesFreely: true,
    async run(subject) {
      const { store, prefix } = subject;
      await putAll(subject, ['a/1', 'ab/1', 'abc/1', 'b/1', 'ab/2/3', 'abx']);
      const below = async (start: string) =>
        (await namesOf(store, prefix + start)).map((key) => key.slice(prefix.length));
      assert.deepEqual(await below('a'), ['a/1', 'ab/1', 'ab/2/3', 'abc/1', 'abx']);
      assert.deepEqual(await below('a/'), ['a/1']);
      assert.deepEqual(await below('ab'), ['ab/1', 'ab/2/3', 'abc/1', 'abx']);
      assert.deepEqual(await below('ab/'), ['ab/1', 'ab/2/3']);
      assert.deepEqual(await below('abx'), ['abx']);
      assert.deepEqual(await below('abx/'), []);
    },
  },
  {
    name: 'a prefix with nothing below it lists nothing',
    matters: 'an empty repository could not be opened',
    async run({ store, prefix }) {
      assert.deepEqual(await namesOf(store, `${prefix}nothing/here/`), []);
      assert.deepEqual(await namesOf(store, `${prefix}nothing`), []);
    },
  },
  {
    name: 'a listing that is given up early leaves the store usable',
    matters: 'commands that look for the first match would hang',
    async run(subject) {
      const { store, prefix } = subject;
      await putAll(subject, ['1', '2', '3']);
      for await (const { key } of store.list(prefix)) {
        assert.ok(key.startsWith(prefix));
        break;
      }
      assert.equal((await namesOf(store, prefix)).length, 3);
    },
  },
  {
    name: 'a listing has what was there before, whatever is put or deleted meanwhile',
    matters: 'snapshots could be overlooked while another backup runs: run one at a time',
    async run(subject) {
      const { store, prefix } = subject;
      const fifty = (name: string) => Array.from({ length: 50 }, (_, index) => `${name}/${index}`);
      const stay = await putAll(subject, fifty('stay'));
      const go = await putAll(subject, fifty('go'));
      const [listed, come] = await Promise.all([
        namesOf(store, prefix),
        putAll(subject, fifty('come')),
        forEachLimit(go, store.connections, (key) => store.delete(key)),
      ]);
      assert.equal(new Set(listed).size, listed.length, 'an object is listed twice');
      const staying = new Set(stay);
      assert.deepEqual(
        listed.filter((key) => staying.has(key)),
        stay.toSorted(),
      );
      const known = new Set([...stay, ...come, ...go]);
      assert.deepEqual(
        listed.filter((key) => !known.has(key)),
        [],
      );
    },
  },
  {
    name: 'an object is listed as soon as its put is done, and no longer once deleted',
    matters:
      'locks of others could be overlooked: run one command at a time, and prune only when no backup runs',
    async run({ store, prefix, key }) {
      for (let round = 0; round < 5; round += 1) {
        const bytes = Buffer.from('x');
        const passing = key(`${round}`, bytes);
        await store.put(passing, bytes);
        assert.deepEqual(await namesOf(store, prefix), [passing]);
        await store.delete(passing);
        assert.deepEqual(await namesOf(store, prefix), []);
      }
    },
  },
];
