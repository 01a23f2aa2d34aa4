// The part of the store contract that is about listings.
import assert from 'node:assert/strict';
import { forEachLimit } from '#lib/concurrency.ts';
import type { StoreCheck } from './contract.ts';
import type { Store } from './store.ts';

const manyObjects = 1100; // more than one page of S3

const namesOf = async (store: Store, prefix: string): Promise<string[]> =>
  (await Array.fromAsync(store.list(prefix), ({ key }) => key)).toSorted();

const putAll = (store: Store, keys: readonly string[]): Promise<void> =>
  forEachLimit(keys, store.connections, (key) => store.put(key, Buffer.from(key)));

export const listingChecks: readonly StoreCheck[] = [
  {
    name: 'a listing has every object below the prefix, once, with its size',
    matters:
      'snapshots or packs could be overlooked, and prune could remove what is used: do not keep a repository here',
    async run({ store, prefix }) {
      const keys = Array.from({ length: manyObjects }, (_, index) => `${prefix}${index % 16}/${index}`);
      await putAll(store, keys);
      const listed = await Array.fromAsync(store.list(prefix));
      assert.deepEqual(listed.map(({ key }) => key).toSorted(), keys.toSorted());
      for (const { key, size } of listed) assert.equal(size, key.length, key);
    },
  },
  {
    name: 'a prefix is compared by characters, not by folders',
    matters: 'folders of a repository could be mixed up',
    async run({ store, prefix }) {
      const keys = ['a/1', 'ab/1', 'abc/1', 'b/1', 'ab/2/3', 'abx'].map((name) => prefix + name);
      await putAll(store, keys);
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
    async run({ store, prefix }) {
      await putAll(
        store,
        ['1', '2', '3'].map((name) => prefix + name),
      );
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
    async run({ store, prefix }) {
      const stay = Array.from({ length: 50 }, (_, index) => `${prefix}stay/${index}`);
      const come = stay.map((key) => key.replace('/stay/', '/come/'));
      const go = stay.map((key) => key.replace('/stay/', '/go/'));
      await putAll(store, [...stay, ...go]);
      const [listed] = await Promise.all([
        namesOf(store, prefix),
        putAll(store, come),
        forEachLimit(go, store.connections, (key) => store.delete(key)),
      ]);
      assert.equal(new Set(listed).size, listed.length, 'an object is listed twice');
      assert.deepEqual(
        listed.filter((key) => key.includes('/stay/')),
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
    async run({ store, prefix }) {
      for (let round = 0; round < 5; round += 1) {
        const key = `${prefix}${round}`;
        await store.put(key, Buffer.from('x'));
        assert.deepEqual(await namesOf(store, prefix), [key]);
        await store.delete(key);
        assert.deepEqual(await namesOf(store, prefix), []);
      }
    },
  },
];
