// Snapshots of databases of which something was lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryEntries, testRepository } from '#repository/testing.ts';
import { knownManifestsOf } from '../manifests.ts';
import { rememberingContext } from '../testing.ts';
import { tableRowsOf } from './table-rows.ts';

const openWith = async (
  kind: string,
  files: Readonly<Record<string, string>>,
  ...tags: readonly string[]
) => {
  const made = await testRepository();
  const { snapshot } = await made.write(memoryEntries(files), {
    tags: ['source:test', `kind:${kind}`, ...tags],
  });
  assert.ok(snapshot);
  const repository = await made.open();
  const rows = await tableRowsOf(repository, snapshot, rememberingContext());
  assert.ok(rows);
  return { repository, snapshot, rows };
};

const unreadable = (message: RegExp) => (error: Error & { readonly code?: string }) => {
  assert.equal(error.code, 'ITEM_UNREADABLE');
  assert.match(error.message, message);
  return true;
};

test('a file of rows that is lost is an error of its table, and not of all that is searched', async () => {
  const { repository, snapshot, rows } = await openWith('sqlite', { 'create.sql': 'CREATE TABLE a(b);' });
  await using _ = repository;
  const read = async (): Promise<void> => {
    for await (const _rows of rows.read(snapshot, ['test/data/a/0000.sql']));
  };
  await assert.rejects(read, unreadable(/has no test\/data\/a\/0000\.sql$/));
});

test('a table whose columns are lost is not one without such columns', async () => {
  const { repository, snapshot, rows } = await openWith('sqlite', { 'finish.sql': '' });
  await using _ = repository;
  await assert.rejects(rows.shapeOf(snapshot, 'test', 'a'), unreadable(/has no test\/create\.sql$/));
});

test('columns whose types are lost are told to be untyped', async () => {
  const contents =
    '{"contents":1,"database":"shop","encoding":"UTF8","roles":[],"tables":[],"sequences":[],"largeObjects":[]}';
  for (const [definitions, isUntyped] of [
    [{}, true],
    [{ 'shop/01-pre-data.sql': '-- nothing' }, false],
  ] as const) {
    const files = { ...definitions, 'shop/02-contents.json': contents };
    const { repository, snapshot, rows } = await openWith('postgres', files);
    await using _ = repository;
    assert.equal(await rows.isUntyped(snapshot, 'test/shop'), isUntyped);
  }
});

test('a repaired snapshot that no longer tells of its tables is not one without tables', async () => {
  const { signal } = rememberingContext();
  for (const tags of [[], ['partial', 'repaired']]) {
    const { repository, snapshot } = await openWith('sqlite', { 'create.sql': '' }, ...tags);
    await using _ = repository;
    const found = knownManifestsOf(repository, snapshot, signal);
    if (tags.length === 0) assert.deepEqual(await found, []);
    else await assert.rejects(found, unreadable(/was repaired, and what tells of its tables is lost$/));
  }
});
