// Copies whose files are cut as the repository that gets them cuts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomData, sqlData } from '../chunker/testing.ts';
import type { CopyReport } from '../contract.ts';
import {
  fileEntry,
  memoryEntries,
  neverFires,
  readFiles,
  type TestRepository,
  testRepository,
  writeOptions,
} from '../testing.ts';

const files = {
  'large.bin': randomData(6_000_000, 1),
  'deep/er/small': Buffer.from('small'),
  'deep/er/empty': new Uint8Array(0),
  'deep/link': '-> er/small',
  'deep/text': sqlData(900_000, 2),
};
const table = sqlData(2_000_000, 3);

async function* entries() {
  yield* memoryEntries(files);
  yield { ...fileEntry('table.copy', table), chunking: 'table' as const };
}

const copied = async (from: TestRepository, to: TestRepository, rechunk: boolean): Promise<CopyReport> => {
  await using source = await from.open();
  await using target = await to.open();
  const [snapshot] = await source.snapshots();
  return await target.copyFrom(source, snapshot!, { signal: neverFires, rechunk });
};

test('a copy with files cut anew has the same content, and backups made there add next to nothing', async () => {
  const from = await testRepository();
  await from.write(entries());
  for (const rechunk of [true, false]) {
    const to = await testRepository();
    const { snapshot, bytesStored } = await copied(from, to, rechunk);
    assert.ok(bytesStored > 6_000_000);
    assert.deepEqual((await to.check()).problems, []);
    await using opened = await to.open();
    const found = await readFiles(opened, snapshot, { root: 'test' });
    for (const [path, content] of Object.entries({ ...files, 'table.copy': table }))
      if (typeof content !== 'string') assert.ok(found.get(path)?.equals(content), path);
    const { summary } = await to.write(entries(), writeOptions());
    if (rechunk) assert.equal(summary.dataAdded, 0);
    else assert.ok(summary.dataAdded > 5_000_000, 'blobs cut elsewhere are not those cut here');
  }
});
