import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from './contract.ts';
import { memoryEntries, putTrees, testRepository } from './testing.ts';

const before = {
  'gone.txt': 'gone',
  'kept.txt': 'kept',
  'changed.txt': 'before',
  'mode.txt': { meta: { mode: 0o600 }, content: () => [] },
  'same/deep/a': 'a',
  'was/dir/b': 'b',
};
const after = {
  'kept.txt': 'kept',
  'changed.txt': 'after',
  'mode.txt': { meta: { mode: 0o644 }, content: () => [] },
  'same/deep/a': 'a',
  was: 'a file now',
  'young/c': 'c',
};

test('a diff names what came, went and changed, and reads no directory that is the same', async () => {
  const made = await testRepository();
  const snapshots = [
    (await made.write(memoryEntries(before))).snapshot,
    (await made.write(memoryEntries(after))).snapshot,
  ] as [Snapshot, Snapshot];
  await using repository = await made.open();
  const found = async (metadata: boolean): Promise<string[]> =>
    (await Array.fromAsync(repository.diff(...snapshots, { metadata }))).map(
      ({ path, change }) => `${change} ${path}`,
    );
  const changes = [
    'content test/changed.txt',
    'removed test/gone.txt',
    'type test/was',
    'removed test/was/dir',
    'removed test/was/dir/b',
    'added test/young',
    'added test/young/c',
  ];
  assert.deepEqual(await found(false), changes);
  assert.deepEqual(
    (await found(true)).filter((line) => line.startsWith('metadata')),
    ['metadata test/mode.txt'],
  );
  assert.deepEqual(await Array.fromAsync(repository.diff(snapshots[0], snapshots[0])), []);
});

test('usage counts each blob once and each restored file every time', async () => {
  const made = await testRepository();
  await made.write(memoryEntries({ a: 'x'.repeat(1000), b: 'y'.repeat(500) }));
  await made.write(memoryEntries({ a: 'x'.repeat(1000), c: 'x'.repeat(1000) }));
  await using repository = await made.open();
  const usage = await repository.usage(await repository.snapshots());
  assert.deepEqual([usage.snapshots, usage.files, usage.bytes], [2, 4, 3500]);
  const data = 1500;
  assert.ok(usage.bytesPlain > data && usage.bytesPlain < data + 5000);
  assert.ok(usage.bytesStored <= usage.bytesOfPacks);
  assert.equal(usage.blobs, 6);
});

test('folders that lie in each other deeper than calls can are compared and counted', async () => {
  const made = await testRepository();
  const { snapshot: small } = await made.write(memoryEntries({ a: 'a' }));
  const depth = 10_000;
  const tree = await putTrees(made, (put) => {
    let innermost = put([]);
    for (let level = 0; level < depth; level += 1)
      innermost = put([{ name: 'd', type: 'dir', meta: {}, subtree: innermost }]);
    return innermost;
  });
  await using repository = await made.open();
  const deep = { ...small!, tree };
  const differences = await Array.fromAsync(repository.diff(small!, deep), ({ change }) => change);
  assert.equal(differences.filter((change) => change === 'added').length, depth);
  assert.equal((await repository.usage([small!, deep])).files, 1);
});

test('the check value of the key is the same for every password, and of no other repository', async () => {
  const made = await testRepository();
  await using repository = await made.open();
  assert.match(repository.keyCheck, /^[0-9a-f]{16}$/);
  await using other = await (await testRepository()).open();
  assert.notEqual(repository.keyCheck, other.keyCheck);
});
