import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { putStream, type Written } from '#archive/put-stream.ts';
import { openLocalStore } from '#stores/local/local.ts';
import type { Store } from '#stores/store.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { checksumsOf, commitFile, ownFiles } from './files.ts';

const key = 'shop_20261121.tar.gz';
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

const own = (store: Store) =>
  ownFiles(store, {
    name: '{source}_{yyyy}{mm}{dd}.tar.gz',
    words: { source: ['shop'], database: 'any', job: ['j'], host: ['h'], site: [''] },
  });

test('a file that is replaced has a checksum of its own at each moment, also when it is not replaced after all', async () => {
  await using store = openLocalStore(temporaryFolder('archive-files'));
  await commitFile(await written(store, 'old'));
  const next = await written(store, 'new');
  await assert.rejects(
    commitFile({
      ...next,
      async commit() {
        assert.deepEqual(await checksumsOf(store, key), [sumOf('old'), sumOf('new')]);
        assert.equal((await own(store)).length, 1);
        throw new Error('no line');
      },
    }),
    /no line/,
  );
  assert.deepEqual(await checksumsOf(store, key), [sumOf('old'), sumOf('new')], 'nobody knows which it is');
  await commitFile(next);
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
    await assert.rejects(commitFile({ ...file, commit }), /no line/);
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
    assert.equal((await own(store)).length, isSeen ? 1 : 0, text);
    assert.deepEqual(await checksumsOf(store, key), [], text);
  }
});
