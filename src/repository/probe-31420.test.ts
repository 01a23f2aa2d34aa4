import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { seededRandom } from '#lib/random.ts';
import { randomData } from './chunker/testing.ts';
import { fileEntry, keysOf, memoryEntries, readFiles, testRepository, writeOptions } from './testing.ts';

test('zero', async () => {
  const t = await testRepository();
  const { snapshot } = await t.write(
    memoryEntries({ a: { type: 'file', meta: { size: 0 }, content: () => [new Uint8Array()] }, b: 'x' }),
  );
  await using r = await t.open();
  for await (const e of r.list(snapshot!)) console.log(e);
  console.log(await t.check());
});
test('dup names then another source', async () => {
  const t = await testRepository();
  await using r = await t.open();
  const big = randomData(3_000_000, 1);
  async function* dup() {
    yield fileEntry('x', big);
    yield fileEntry('d', Buffer.from('a'));
    yield fileEntry('d', Buffer.from('b'));
  }
  await assert.rejects(r.write(dup(), writeOptions()), (e) => (console.log(e), true));
  const { snapshot } = await r.write(memoryEntries({ x: big }), writeOptions());
  console.log(await t.check());
});
test('dry run then real', async () => {
  const t = await testRepository();
  await using r = await t.open();
  await r.write(memoryEntries({ x: 'hello' }), writeOptions({ dryRun: true }));
  await r.write(memoryEntries({ x: 'hello' }), writeOptions());
  console.log(await t.check());
});
test('many trees', { timeout: 10000 }, async () => {
  const t = await testRepository();
  async function* dirs() {
    for (let i = 0; i < 3000; i++) {
      yield { path: `d${i}`, type: 'dir', meta: {} } as const;
      yield { path: `d${i}/l`, type: 'symlink', meta: { linkTarget: `${i}` } } as const;
    }
  }
  await t.write(dirs());
  console.log((await t.check()).blobs);
});
