import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { openRepository } from '../repository.ts';
import { findKey, keysOf, neverFires, testPassword, testRepository } from '../testing.ts';
import { addKey, checkKeys, newMasterKey } from './key.ts';

const cheap = { N: 16, r: 1, p: 1 };
const created = new Date('2026-11-21T03:00:00Z');

const putKey = async (store: Store, bytes: Uint8Array): Promise<string> => {
  const id = hash('sha256', bytes, 'hex');
  await store.put(`keys/${id}`, bytes);
  return id;
};

test('the password opens the master key, and a wrong one does not', async () => {
  const store = memoryStore();
  const master = newMasterKey();
  const id = await addKey(store, 'pässwörd 🦭', master, created, cheap);
  assert.deepEqual(await findKey(store, 'pässwörd 🦭'), {
    id,
    master: {
      encrypt: Buffer.from(master.encrypt),
      macK: Buffer.from(master.macK),
      macR: Buffer.from(master.macR),
    },
  });
  for (const wrong of ['', 'passwort', 'pässwörd 🦭 '])
    await assert.rejects(findKey(store, wrong), { code: 'WRONG_PASSWORD' });
});

test('a new password that restic would read otherwise from a file is refused', async () => {
  const random = Buffer.from('ff00c3', 'hex').toString();
  for (const password of [random, ' secret', 'secret\t', '\ufeffsecret'])
    await assert.rejects(addKey(memoryStore(), password, newMasterKey(), created, cheap), {
      code: 'USAGE',
      message: /restic/,
      hint: /openssl/,
    });
});

test('a key file made by restic 0.14 is opened', async () => {
  const store = memoryStore();
  await putKey(store, Buffer.from(resticKey));
  const { master } = await findKey(store, 'secret');
  assert.equal(Buffer.from(master.encrypt).toString('base64'), resticMaster.encrypt);
  assert.equal(Buffer.from(master.macK).toString('base64'), resticMaster.mac.k);
  assert.equal(Buffer.from(master.macR).toString('base64'), resticMaster.mac.r);
});

test('any of several keys opens the repository, whichever is tried first', async () => {
  const store = memoryStore();
  const master = newMasterKey();
  for (const password of ['one', 'two', 'three']) await addKey(store, password, master, created, cheap);
  for (const password of ['one', 'two', 'three'])
    assert.deepEqual(
      Buffer.from((await findKey(store, password)).master.encrypt),
      Buffer.from(master.encrypt),
    );
});

test('of many keys each is tried, and none is added that restic might not try', async () => {
  const { store, open } = await testRepository();
  const { master } = await findKey(store, testPassword);
  for (let number = 1; number < 20; number += 1)
    await addKey(store, `password ${number}`, master, created, cheap);
  await using repository = await open();
  await assert.rejects(repository.addKey('one more'), { code: 'USAGE', message: /has 20 keys already/ });
  await addKey(store, 'one more, by another program', master, created, cheap);
  for (const password of [testPassword, 'password 7', 'one more, by another program'])
    assert.deepEqual((await findKey(store, password)).master, master);
});

test("of two who remove each other's key, the second is refused: one key stays", async () => {
  const { store, open } = await testRepository();
  await using one = await open();
  const other = await one.addKey('another password');
  await using two = await openRepository(store, 'another password', { lock: 'none', signal: neverFires });
  const [own] = (await one.keys()).filter(({ current }) => current);
  await two.removeKey(own?.id ?? '');
  await assert.rejects(one.removeKey(other), { code: 'FAILED', message: /was removed meanwhile/ });
  assert.deepEqual(await keysOf(store, 'keys/'), [`keys/${other}`]);
});

test('a damaged key does not stop another one, and is named when no other fits', async () => {
  const store = memoryStore();
  const master = newMasterKey();
  const bad = await addKey(store, 'bad', master, created, cheap);
  await addKey(store, 'good', master, created, cheap);
  const bytes = await store.get(`keys/${bad}`);
  bytes[bytes.length >> 1]! ^= 1;
  await store.put(`keys/${bad}`, bytes);
  assert.ok(await findKey(store, 'good'));
  await assert.rejects(findKey(store, 'bad'), {
    code: 'REPOSITORY_DAMAGED',
    message: new RegExp(`keys/${bad}`),
  });
  assert.deepEqual(await checkKeys(store), [`keys/${bad} is damaged: its content does not fit its name`]);
});

test('a key file that holds a master key of other lengths is damaged', async () => {
  const short = { ...newMasterKey(), encrypt: new Uint8Array(16) };
  const store = memoryStore();
  const id = await addKey(store, 'secret', short, created, cheap);
  await assert.rejects(findKey(store, 'secret'), {
    code: 'REPOSITORY_DAMAGED',
    message: `keys/${id} is damaged: it holds no master key`,
  });
});

test('an emptied key file is damaged, not passed over', async () => {
  const store = memoryStore();
  const id = await addKey(store, 'secret', newMasterKey(), created, cheap);
  await store.put(`keys/${id}`, new Uint8Array());
  await assert.rejects(findKey(store, 'secret'), { code: 'REPOSITORY_DAMAGED' });
  assert.equal((await checkKeys(store)).length, 1);
});

test('no key file at all is told apart from a wrong password by the hint', async () => {
  await assert.rejects(findKey(memoryStore(), 'x'), { code: 'WRONG_PASSWORD', hint: /no key file at all/ });
});

test('blanks around a wrong password are pointed out', async () => {
  const store = memoryStore();
  await putKey(store, Buffer.from(resticKey));
  await assert.rejects(findKey(store, 'secret\n'), { code: 'WRONG_PASSWORD', hint: /a blank or a newline/ });
  await assert.rejects(findKey(store, 'other'), { code: 'WRONG_PASSWORD', hint: /opens with it$/ });
});

const odd: Readonly<Record<string, object>> = {
  'no numbers that scrypt takes': { N: 3, r: 1, p: 1 },
  'a cost that no machine has': { N: 2 ** 24, r: 1024, p: 1024 },
  'a cost of two gigabytes': { N: 2 ** 21, r: 8, p: 1 },
  'a cost of minutes': { N: 2 ** 16, r: 8, p: 1024 },
  'another derivation': { kdf: 'argon2' },
  'no salt': { salt: undefined },
};
for (const [what, change] of Object.entries(odd))
  test(`a key file with ${what} is damaged`, async () => {
    const store = memoryStore();
    await putKey(store, Buffer.from(JSON.stringify({ ...JSON.parse(resticKey), ...change })));
    await assert.rejects(findKey(store, 'secret'), { code: 'REPOSITORY_DAMAGED', message: /^keys\// });
  });

test('what is no key file by its name is not tried', async () => {
  const store = memoryStore();
  await addKey(store, 'secret', newMasterKey(), created, cheap);
  await store.put('keys/notes.txt', Buffer.from('hello'));
  assert.ok(await findKey(store, 'secret'));
  assert.deepEqual(await checkKeys(store), []);
  assert.equal((await keysOf(store, 'keys/')).length, 2);
});

// `restic init` and `restic cat masterkey`, with the password «secret».
const resticKey = JSON.stringify({
  created: '2026-11-21T04:43:36.558690732Z',
  username: 'root',
  hostname: 'host',
  kdf: 'scrypt',
  N: 32768,
  r: 8,
  p: 1,
  salt: '7VJF90qiA4kMCdAaGWJokx40kLw8SBjMknG9kuDxZoaAumuPPe40seQ3epv7uSkECNY5PFmzUYubA+1E2Awmiw==',
  data: '1JBsmKS4Be8PCtWR1r40zcj2SSl84rk0/G7BFTPW0KRFnTbpahxipJMWRxAx9o4jLxlXULT8FaKetayOB544/6Qcm7aTEMyF5y6MG4p+UIgAxB3NRwm43/dnk9i87giRRChC4yRpR2DGKuFlu0MaI4K7Aod8Dq6WMsbEHd3tuJDV9+cobNOM0+CYo1pMaXID3LMNltljCypcREW/GZdvZQ==',
});
const resticMaster = {
  mac: { k: '0f4aJLPYYZiTiXXOu/i7pg==', r: 'WMA+DXgxhw38KKoE9KwJBw==' },
  encrypt: 'n1nlx1YxT+3GcAcPHGS5tfZhX9vRfLA0VPi6EZ8itM8=',
};
