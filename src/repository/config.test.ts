import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { chunkerDegree, degreeOf, isIrreducible } from './chunker/polynomial.ts';
import { createConfig, hasConfig, openConfig, readConfig } from './config.ts';
import { newMasterKey } from './sealing/key.ts';
import { Sealer } from './sealing/seal.ts';

const sealer = new Sealer(newMasterKey());

const storeWith = async (config: object | string): Promise<Store> => {
  const store = memoryStore();
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  await store.put('config', sealer.seal(Buffer.from(text)));
  return store;
};
const load = async (store: Store) =>
  await openConfig(store, sealer, (await readConfig(store)) ?? new Uint8Array());
const good = { version: 2, id: '04'.repeat(32), chunker_polynomial: '2db6545361d19f' };

test('a new config has an id and a polynomial of its own, and is read back', async () => {
  const store = memoryStore();
  assert.equal(await hasConfig(store), false);
  const config = await createConfig(store, sealer);
  assert.equal(await hasConfig(store), true);
  assert.deepEqual(await load(store), config);
  assert.equal(config.version, 2);
  assert.equal(degreeOf(config.polynomial), chunkerDegree);
  assert.ok(isIrreducible(config.polynomial));
  const other = await createConfig(memoryStore(), sealer);
  assert.notEqual(other.id, config.id);
  assert.notEqual(other.polynomial, config.polynomial);
});

test('an object that only begins like the config makes no repository', async () => {
  const store = memoryStore();
  await store.put('config.bak', new Uint8Array(1));
  assert.equal(await hasConfig(store), false);
});

test('versions 1 and 2 are known, later ones are refused by name', async () => {
  for (const version of [1, 2])
    assert.equal((await load(await storeWith({ ...good, version }))).version, version);
  for (const version of [0, 3])
    await assert.rejects(load(await storeWith({ ...good, version })), {
      code: 'UNSUPPORTED',
      message: new RegExp(`version ${version}$`),
    });
});

const bad: Readonly<Record<string, object | string>> = {
  'is no JSON': '{"version":2',
  'has no id': { ...good, id: undefined },
  'has a polynomial that is no number': { ...good, chunker_polynomial: 'xyz' },
  'has a reducible polynomial': { ...good, chunker_polynomial: '2db6545361d19e' },
  'has a polynomial of another degree': { ...good, chunker_polynomial: '7' },
};
for (const [what, config] of Object.entries(bad))
  test(`a config that ${what} is damaged`, async () => {
    await assert.rejects(load(await storeWith(config)), { code: 'REPOSITORY_DAMAGED' });
  });

test('a config that is cut, emptied or sealed with another key is damaged', async () => {
  const store = await storeWith(good);
  const bytes = await store.get('config');
  for (const damaged of [
    new Uint8Array(),
    bytes.subarray(1),
    new Sealer(newMasterKey()).seal(Buffer.from('{}')),
  ]) {
    await store.put('config', damaged);
    await assert.rejects(load(store), { code: 'REPOSITORY_DAMAGED', message: /the config/ });
  }
});
