// The door: making a repository, opening it, and what is said when that cannot be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { exitStatus, HoldfastError } from '#lib/errors.ts';
import { type Log, openLog } from '#lib/log.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { withReadOnly } from '#stores/wrappers/read-only.ts';
import { createRepository, openRepository, removeLocks } from './repository.ts';
import { addKey, newMasterKey } from './sealing/key.ts';
import {
  keysOf,
  memoryEntries,
  neverFires,
  openTestRepository,
  storedBytes,
  testRepository,
  writeOptions,
} from './testing.ts';

const options = { lock: 'none', signal: neverFires } as const;

/** A log whose warnings are kept. */
const logInto = (warnings: string[]): Log =>
  openLog('warn', { write: (line) => void warnings.push(JSON.parse(line).msg) });

/** What a call ends with: the error's code and the status of the command. */
const failureOf = async (work: Promise<unknown>): Promise<readonly [string, number]> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HoldfastError, String(error));
  assert.ok(error.hint, `«${error.message}» says not what to do`);
  return [error.code, exitStatus(error)];
};

test('a new repository opens with its password, and with no other', async () => {
  const store = memoryStore();
  const id = await createRepository(store, 'correct horse');
  assert.deepEqual(
    (await keysOf(store)).map((key) => key.split('/')[0]),
    ['config', 'keys'],
  );
  await using repository = await openRepository(store, 'correct horse', options);
  assert.equal(repository.id, id);
  assert.deepEqual(await repository.snapshots(), []);
  assert.deepEqual(await failureOf(openRepository(store, 'battery staple', options)), ['WRONG_PASSWORD', 12]);
  assert.deepEqual(await failureOf(removeLocks(store, '', false)), ['WRONG_PASSWORD', 12]);
});

test('nothing is asked of the store twice, nor before its turn but what never changes', async () => {
  const store = memoryStore();
  await createRepository(store, 'x');
  const asked: string[] = [];
  const note = (what: string, key: string): void =>
    void asked.push(`${what} ${key.replace(/[0-9a-f]{64}/, '…')}`);
  const watched: Store = {
    ...store,
    get: (key, range) => {
      note('get', key);
      return store.get(key, range);
    },
    list: (prefix) => {
      note('list', prefix);
      return store.list(prefix);
    },
    put: async (key, bytes) => {
      note('put', key);
      await store.put(key, bytes);
    },
  };
  const opening = { lock: 'shared', readsIndex: true, signal: neverFires } as const;
  await using repository = await openRepository(watched, 'x', opening);
  await repository.snapshots();
  assert.deepEqual(asked, [
    'list keys/',
    'get config',
    'get keys/…',
    'list locks/',
    'put locks/…',
    'list index/',
    'list snapshots/',
  ]);
});

test('where there is none, that is said', async () => {
  assert.deepEqual(await failureOf(openRepository(memoryStore(), 'x', options)), ['REPOSITORY_MISSING', 10]);
});

test('of two that make a repository at once, one does, and its password opens it', async () => {
  const store = memoryStore();
  const passwords = ['x', 'y', 'z'];
  const made = await Promise.allSettled(passwords.map((password) => createRepository(store, password)));
  const [winner] = passwords.filter((_, at) => made[at]?.status === 'fulfilled');
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const one of made)
    if (one.status === 'rejected') assert.equal(one.reason.code, 'REPOSITORY_EXISTS', String(one.reason));
  assert.equal((await keysOf(store)).length, 2);
  await using _repository = await openRepository(store, winner ?? '', options);
});

test('a key that does not fit does no harm, be it of the same password', async () => {
  const store = memoryStore();
  const long = new Date(Date.now() - 3_600_000);
  await addKey(store, 'y', newMasterKey(), long); // an init died with it
  const id = await createRepository(store, 'x');
  for (let more = 0; more < 3; more += 1) await addKey(store, 'x', newMasterKey(), long);
  await using repository = await openRepository(store, 'x', options);
  assert.equal(repository.id, id);
});

test('an init goes on from the key of one that failed a moment ago, so that there is one that opens', async () => {
  const store = memoryStore();
  const full = new HoldfastError('STORE_FULL', 'no room');
  const put: Store['put'] = (key, bytes) => (key === 'config' ? Promise.reject(full) : store.put(key, bytes));
  for (let failed = 0; failed < 2; failed += 1)
    await assert.rejects(createRepository({ ...store, put }, 'x'), { code: 'STORE_FULL' });
  const id = await createRepository(store, 'x');
  assert.equal((await keysOf(store, 'keys/')).length, 1);
  await using repository = await openRepository(store, 'x', options);
  assert.equal(repository.id, id);
});

test('an init that finds the key of one that is at work leaves it the repository', async () => {
  const store = memoryStore();
  const slow = Promise.withResolvers<void>();
  const put: Store['put'] = async (key, bytes) => {
    if (key === 'config') await slow.promise;
    await store.put(key, bytes);
  };
  const first = createRepository({ ...store, put }, 'x');
  while ((await keysOf(store, 'keys/')).length === 0) await setImmediate();
  const second = createRepository(store, 'x');
  slow.resolve();
  await assert.rejects(second, { code: 'REPOSITORY_EXISTS' });
  await using repository = await openRepository(store, 'x', options);
  assert.equal(repository.id, await first);
  assert.equal((await keysOf(store)).length, 2);
});

test('where there is one, no other is made; and an empty password is refused', async () => {
  const store = memoryStore();
  await assert.rejects(createRepository(store, ''), { code: 'USAGE' });
  assert.deepEqual(await keysOf(store), []);
  await createRepository(store, 'x');
  const before = await keysOf(store);
  await assert.rejects(createRepository(store, 'y'), { code: 'REPOSITORY_EXISTS' });
  assert.deepEqual(await keysOf(store), before);
});

test('a password that is changed where no key can be deleted is said to be one of two', async () => {
  const memory = memoryStore();
  await createRepository(memory, 'old');
  const denied = new HoldfastError('STORE_DENIED', 'append-only');
  const appendOnly: Store = { ...memory, delete: () => Promise.reject(denied) };
  await using repository = await openRepository(appendOnly, 'old', options);
  await assert.rejects(repository.changePassword('new'), {
    code: 'STORE_DENIED',
    message: /the new password opens the repository now, but the old one still does, too: append-only/,
  });
  for (const password of ['old', 'new']) {
    await using opened = await openRepository(memory, password, options);
    assert.ok(opened.id);
  }
});

test('one that is locked says so with its status, and closing removes the lock', async () => {
  const { open, store } = await testRepository();
  const held = await open({ lock: 'exclusive' });
  assert.deepEqual(await failureOf(open({ lock: 'shared' })), ['REPOSITORY_LOCKED', 11]);
  await using unlocked = await open({ lock: 'none' });
  assert.deepEqual(await unlocked.snapshots(), []);
  await held[Symbol.asyncDispose]();
  assert.deepEqual(await keysOf(store, 'locks/'), []);
  await using again = await open({ lock: 'shared' });
  assert.ok(again);
});

test('the lock of a process that is gone is removed by unlock, one that is alive by nothing but force', async () => {
  const { open, store } = await testRepository();
  await using _ = await open({ lock: 'shared' });
  assert.equal(await removeLocks(store, 'secret', false), 0);
  assert.equal(await removeLocks(store, 'secret', true), 1);
});

test('an opening that is cancelled leaves nothing', async () => {
  const { open, store } = await testRepository();
  await assert.rejects(open({ lock: 'shared', signal: AbortSignal.abort() }), { code: 'CANCELLED' });
  assert.deepEqual(await keysOf(store, 'locks/'), []);
});

test('from a store that cannot be written it is read without a lock', async () => {
  const { write, store, key } = await testRepository();
  const { snapshot } = await write(memoryEntries({ a: 'a' }));
  const readOnly = openTestRepository(withReadOnly(store), key);
  await assert.rejects(readOnly.open({ lock: 'shared' }), { code: 'STORE_DENIED' });
  await using repository = await readOnly.open();
  assert.equal((await Array.fromAsync(repository.list(snapshot!))).length, 2);
  await assert.rejects(repository.write(memoryEntries({ b: 'b' }), writeOptions()), { code: 'STORE_DENIED' });
});

test('a store that goes away is the error of whatever was done, not that its lock stays behind', async () => {
  const store = memoryStore();
  const { key } = await testRepository(store);
  let isAway = false;
  const mortal = {
    ...store,
    put: async (...args: Parameters<typeof store.put>): Promise<void> => {
      if (isAway) throw new HoldfastError('STORE_UNREACHABLE', 'the line is down');
      await store.put(...args);
    },
    delete: async (): Promise<void> => {
      throw new HoldfastError('STORE_UNREACHABLE', 'the line is still down');
    },
  };
  const warnings: string[] = [];
  const backUp = async (): Promise<void> => {
    await using repository = await openTestRepository(mortal, key).open({
      lock: 'shared',
      log: logInto(warnings),
    });
    isAway = true;
    await repository.write(memoryEntries({ a: 'a' }), writeOptions());
  };
  await assert.rejects(backUp(), { code: 'STORE_UNREACHABLE', message: 'the line is down' });
  assert.match(warnings.join(), /the lock stays.*holdfast unlock.*the line is still down/);
});

test('a damaged snapshot is passed over with a warning, and pruning refuses to go on', async () => {
  const { write, store, open } = await testRepository();
  const first = await write(memoryEntries({ a: 'a' }));
  const second = await write(memoryEntries({ b: 'b' }));
  await store.put(`snapshots/${first.snapshot?.id}`, Buffer.from('noise'));
  const warnings: string[] = [];
  await using repository = await open({ log: logInto(warnings) });
  assert.deepEqual(
    (await repository.snapshots()).map(({ id }) => id),
    [second.snapshot?.id],
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings.join(), new RegExp(`snapshots/${first.snapshot?.id} is damaged`));
  const packs = await keysOf(store, 'data/');
  await assert.rejects(repository.prune({ maxUnused: { share: 0 } }), { code: 'REPOSITORY_DAMAGED' });
  assert.deepEqual(await keysOf(store, 'data/'), packs);
});

test('every compression reads what every other one wrote, and only «off» stores what it was given', async () => {
  const text = Buffer.from('the same words again and again, '.repeat(5000));
  const sizes = new Map<string, number>();
  for (const compression of ['off', 'fast', 'default', 'max'] as const) {
    const { open, check, store } = await testRepository();
    await using repository = await open({ compression, verifyAfterSeal: compression !== 'fast' });
    const { snapshot } = await repository.write(memoryEntries({ text }), writeOptions());
    const [entry] = await Array.fromAsync(repository.read(snapshot!, { path: 'test/text' }));
    const chunks: Buffer[] = [];
    for await (const chunk of entry?.content?.() ?? []) chunks.push(Buffer.from(chunk));
    assert.ok(Buffer.concat(chunks).equals(text));
    assert.deepEqual((await check()).problems, []);
    sizes.set(compression, await storedBytes(store, 'data/'));
  }
  assert.ok(sizes.get('off')! > text.length);
  assert.ok(sizes.get('max')! < text.length / 20);
});
