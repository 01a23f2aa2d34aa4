import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { putStream, type Written } from '#archive/put-stream.ts';
import { HoldfastError, hintOf } from '#lib/errors.ts';
import { openLocalStore } from '#stores/local/local.ts';
import type { Store } from '#stores/store.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { checksumsOf } from './checksum.ts';
import { commitFile, filesLikeOwn } from './files.ts';
import { markOf, type Owner } from './owner.ts';
import { type Ownership, sizeOfOwn } from './ownership.ts';

const key = 'shop_20261121.tar.gz';
const owner: Owner = { job: 'j', host: 'h', file: '/etc/holdfast.yaml', sources: 'shop' };
const ownership = (other: Partial<Owner> = {}, remembers = false): Ownership => ({
  owner: { ...owner, ...other },
  name: '{source}_{yyyy}{mm}{dd}.tar.gz',
  isRemembered: () => remembers,
});
const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const written = async (store: Store, text: string): Promise<Written> => {
  const { signal } = new AbortController();
  const bytes = async function* () {
    yield Buffer.from(text);
  };
  const [outcome] = await putStream([store], key, bytes(), { signal });
  assert.ok(outcome && !(outcome instanceof Error));
  return outcome;
};

const words = { source: ['shop'], database: 'any', job: ['j'], host: ['h'], site: [''] } as const;
const like = (store: Store, by = ownership()) => filesLikeOwn(store, { words, ownership: by });

test('a file that is replaced has a checksum of its own at each moment, also when it is not replaced after all', async () => {
  await using store = openLocalStore(temporaryFolder('archive-files'));
  await commitFile(await written(store, 'old'), ownership());
  const next = await written(store, 'new');
  await assert.rejects(
    commitFile(
      {
        ...next,
        async commit() {
          assert.deepEqual(await checksumsOf(store, key), [sumOf('old'), sumOf('new')]);
          assert.equal((await like(store)).length, 1);
          throw new Error('no line');
        },
      },
      ownership(),
    ),
    /no line/,
  );
  assert.deepEqual(await checksumsOf(store, key), [sumOf('old'), sumOf('new')], 'nobody knows which it is');
  await commitFile(next, ownership());
  assert.deepEqual(await checksumsOf(store, key), [sumOf('new')]);
});

test('a file keeps its checksum when only the answer to its commit was lost, and none stays without a file', async () => {
  await using store = openLocalStore(temporaryFolder('archive-answer'));
  for (const [isDone, kept] of [
    [false, []],
    [true, [sumOf('content')]],
  ] as const) {
    const file = await written(store, 'content');
    const commit = async (): Promise<void> => {
      if (isDone) await file.commit();
      throw new Error('no line');
    };
    await assert.rejects(commitFile({ ...file, commit }, ownership()), /no line/);
    assert.deepEqual(await checksumsOf(store, key), kept);
    await file.abort();
  }
});

test('a checksum of another form beside a file does not make it ours', async () => {
  await using store = openLocalStore(temporaryFolder('archive-foreign'));
  await store.put(key, Buffer.from('content'));
  for (const [text, isSeen] of [
    [`${sumOf('content')}\n`, false],
    [`${sumOf('content')}  elsewhere/${key}\n`, false],
    [`${sumOf('content')} *${key}\n`, true],
  ] as const) {
    await store.put(`${key}.sha256`, Buffer.from(text));
    assert.equal((await like(store)).length, isSeen ? 1 : 0, text);
    assert.deepEqual(await checksumsOf(store, key), [], text);
  }
});

test('an archive of another job, machine or configuration file is neither replaced nor taken for an own one', async () => {
  await using store = openLocalStore(temporaryFolder('archive-others'));
  await commitFile(await written(store, 'first'), ownership());
  for (const other of [{ job: 'k' }, { host: 'i' }, { file: '/home/ada/holdfast.yaml', sources: 'other' }]) {
    const by = ownership(other);
    await assert.rejects(commitFile(await written(store, 'second'), by), /job j of .* made it/, other.job);
    assert.deepEqual(
      (await like(store, by)).map(({ whose }) => whose),
      [owner],
    );
  }
  assert.equal(Buffer.from(await store.get(key)).toString(), 'first');
  assert.deepEqual(await checksumsOf(store, key), [sumOf('first')]);
  for (const same of [{ file: '/opt/moved.yaml' }, { sources: 'moved' }])
    assert.deepEqual(
      (await like(store, ownership(same))).map(({ whose }) => whose),
      ['ours'],
    );
});

test('what nobody marked, or a machine by another name did, is the job’s own when its runs are remembered', async () => {
  await using store = openLocalStore(temporaryFolder('archive-unmarked'));
  await commitFile(await written(store, 'content'), ownership());
  const whose = async (by: Ownership) => (await like(store, by)).map((file) => file.whose);
  assert.deepEqual(await whose(ownership({ host: 'renamed' }, true)), ['ours']);
  assert.deepEqual(await whose(ownership({ job: 'k', host: 'i' }, true)), [owner]);
  for (const note of ['a note of somebody', JSON.stringify(owner) + ' '.repeat(100_000)]) {
    await store.put(markOf(key), Buffer.from(note));
    assert.deepEqual(await whose(ownership({}, true)), ['unknown']);
  }
  await store.delete(markOf(key));
  assert.deepEqual(await whose(ownership({}, true)), ['ours']);
  assert.deepEqual(await whose(ownership()), ['unknown']);
  await assert.rejects(
    commitFile(await written(store, 'next'), ownership()),
    /is not replaced: nothing tells that this job made it/,
  );
  await commitFile(await written(store, 'next'), ownership({}, true));
  assert.deepEqual(await whose(ownership()), ['ours'], 'it is marked now');
});

test('a disk that is full between mark and checksum keeps no name, and a mark that is left alone tells what to remove', async () => {
  await using store = openLocalStore(temporaryFolder('archive-full'));
  const first = await written(store, 'first');
  const full: typeof store = {
    ...store,
    put: async (name, bytes) => {
      if (!name.endsWith('.sha256')) return await store.put(name, bytes);
      throw new HoldfastError('STORE_FULL', 'no space left');
    },
  };
  await assert.rejects(commitFile({ ...first, store: full }, ownership()), { code: 'STORE_FULL' });
  await first.abort();
  assert.deepEqual(await Array.fromAsync(store.list('')), []);
  await store.put(markOf(key), Buffer.from(JSON.stringify({ ...owner, host: 'i' })));
  await assert.rejects(commitFile(await written(store, 'second'), ownership()), (error) => {
    assert.match(String(error), /is not made: job j of .* on i has the name/);
    assert.match(hintOf(error) ?? '', /remove shop_20261121\.tar\.gz\.owner/);
    return true;
  });
});

test('an archive whose mark may not be read is another user’s', async () => {
  await using store = openLocalStore(temporaryFolder('archive-hidden'));
  await commitFile(await written(store, 'content'), ownership());
  const denied: typeof store = {
    ...store,
    get: async (wanted, range) => {
      if (wanted !== markOf(key)) return await store.get(wanted, range);
      throw new HoldfastError('STORE_DENIED', 'permission denied');
    },
  };
  assert.deepEqual(
    (await like(denied, ownership({}, true))).map(({ whose }) => whose),
    ['hidden'],
  );
  await assert.rejects(
    commitFile(await written(denied, 'next'), ownership({}, true)),
    /another user made it/,
  );
});

test('a store in which nothing may be read is refused before a source is', async () => {
  await using store = openLocalStore(temporaryFolder('archive-unread'));
  const get = (): never => {
    throw new HoldfastError('STORE_DENIED', 'only putting is allowed');
  };
  await assert.rejects(sizeOfOwn({ ...store, get }, key, ownership()), { code: 'STORE_DENIED' });
});

test('of two who take a name at one moment, the one that marked it first gives up, or says that it was replaced', async () => {
  await using store = openLocalStore(temporaryFolder('archive-race'));
  const other = Buffer.from(JSON.stringify({ ...owner, host: 'i' }));
  const first = await written(store, 'first');
  const meanwhile: typeof store = {
    ...store,
    put: async (name, bytes) => {
      await store.put(name, bytes);
      if (name === markOf(key)) await store.put(name, other);
    },
  };
  await assert.rejects(
    commitFile({ ...first, store: meanwhile }, ownership()),
    /on i took the name .* at the same moment/,
  );
  await first.abort();
  assert.deepEqual(await like(store), [], 'it did not get its name');
  await store.delete(markOf(key));
  const slow = await written(store, 'slow');
  const commit = async (): Promise<void> => {
    await slow.commit();
    await store.put(markOf(key), other);
  };
  await assert.rejects(
    commitFile({ ...slow, commit }, ownership()),
    /on i took the name .* at the same moment/,
  );
});
