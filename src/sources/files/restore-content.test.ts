import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { skipWithoutSmallDisk, smallDisk } from '../../../test/tools/small-disk.ts';
import type { Entry } from '../source.ts';
import { intoEmpty } from '../testing.ts';
import { each, entry, filesSource, makeSparse, openFileCount, temporaryFolder } from './testing.ts';

test('a sparse file stays sparse, and a small file with zeros is as it was', async () => {
  using original = temporaryFolder();
  using target = temporaryFolder();
  makeSparse(join(original.path, 'sparse'));
  writeFileSync(join(original.path, 'small'), Buffer.alloc(20_000));
  writeFileSync(
    join(original.path, 'ends-in-zeros'),
    Buffer.concat([Buffer.alloc(200_000, 1), Buffer.alloc(200_001)]),
  );
  await filesSource({ path: target.path }).restore(filesSource({ path: original.path }).dump(), intoEmpty);
  execFileSync('diff', ['-r', original.path, target.path]);
  const used = (name: string): number => statSync(join(target.path, name)).blocks * 512;
  assert.ok(used('sparse') <= 64 * 1024, `sparse takes ${used('sparse')} bytes`);
  assert.ok(used('small') >= 20_000);
  assert.ok(used('ends-in-zeros') < 220_000);
});

test('holes are found however the content is cut', async () => {
  const bytes = Buffer.alloc(300_000);
  bytes.fill(1, 10_000, 10_001);
  bytes.fill(2, 150_000, 170_000);
  for (const cut of [1 << 20, 65_536, 10_007, 4096]) {
    using folder = temporaryFolder();
    const chunks = function* () {
      for (let at = 0; at < bytes.length; at += cut) yield bytes.subarray(at, at + cut);
    };
    const file: Entry = { path: 'x', type: 'file', meta: { size: bytes.length }, content: chunks };
    await filesSource({ path: folder.path }).restore(each(file), intoEmpty);
    assert.ok(readFileSync(join(folder.path, 'x')).equals(bytes));
    assert.ok(statSync(join(folder.path, 'x')).blocks * 512 < 200_000);
  }
});

test('sparse: false writes every byte', async () => {
  using folder = temporaryFolder();
  const file: Entry = { path: 'x', type: 'file', meta: { size: 1e6 }, content: () => [Buffer.alloc(1e6)] };
  await filesSource({ path: folder.path, sparse: false }).restore(each(file), intoEmpty);
  assert.ok(statSync(join(folder.path, 'x')).blocks * 512 >= 1e6);
});

test('an asynchronous content is written as well', async () => {
  using folder = temporaryFolder();
  const content = async function* () {
    yield Buffer.from('one ');
    yield Buffer.from('two');
  };
  await filesSource({ path: folder.path }).restore(
    each({ path: 'x', type: 'file', meta: {}, content }),
    intoEmpty,
  );
  assert.equal(readFileSync(join(folder.path, 'x'), 'utf8'), 'one two');
});

test('a file of which only its closing tells that it is not whole does not stay', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs /proc');
  using folder = temporaryFolder();
  const place = join(realpathSync(folder.path), 'x');
  const content = function* () {
    yield Buffer.from('x');
    for (const file of readdirSync('/proc/self/fd'))
      if (existsSync(`/proc/self/fd/${file}`) && readlinkSync(`/proc/self/fd/${file}`) === place)
        closeSync(Number(file)); // whoever closes it later is refused
  };
  const report = await filesSource({ path: folder.path }).restore(
    each({ path: 'x', type: 'file', meta: {}, content }),
    intoEmpty,
  );
  assert.match(String(report.failures[0]?.error.message), /EBADF/);
  assert.deepEqual(readdirSync(folder.path), []);
});

test('a file whose content breaks off is reported and not left half written; the rest goes on', async () => {
  using folder = temporaryFolder();
  const broken = new Error('the blob is damaged');
  const content = function* () {
    yield Buffer.from('half');
    throw broken;
  };
  const report = await filesSource({ path: folder.path }).restore(
    each({ path: 'bad', type: 'file', meta: {}, content }, entry('good', 'file')),
    intoEmpty,
  );
  assert.deepEqual(
    report.failures.map(({ path, error }) => [path, error.cause]),
    [['bad', broken]],
  );
  assert.deepEqual(readdirSync(folder.path), ['good']);
});

test('a file whose content is not as long as the snapshot says is restored, and named', async () => {
  using folder = temporaryFolder();
  const shorter: Entry = { path: 'x', type: 'file', meta: { size: 7 }, content: () => [Buffer.from('half')] };
  const report = await filesSource({ path: folder.path }).restore(
    each(shorter, entry('y', 'file', { size: 5 }, 'whole')),
    intoEmpty,
  );
  assert.deepEqual(
    report.failures.map(({ error }) => error.message),
    ['x was restored with the 4 bytes of its content, and the snapshot says 7'],
  );
  assert.equal(readFileSync(join(folder.path, 'x'), 'utf8'), 'half');
});

test('a full disk ends the restore with a clear message', { skip: skipWithoutSmallDisk() }, async () => {
  using folder = temporaryFolder();
  using disk = smallDisk(join(folder.path, 'small'), 'size=256k');
  const { path } = disk;
  const big = entry('big', 'file', {}, 'x'.repeat(1 << 20));
  await assert.rejects(
    filesSource({ path }).restore(each(entry('first', 'file'), big, entry('last', 'file')), intoEmpty),
    (error) => hasCode(error, 'TARGET_FAILED') && /ENOSPC/.test(error.message) && error.hint !== undefined,
  );
  assert.deepEqual(readdirSync(path), ['first']);
  assert.equal(openFileCount(), 0);
});

test('cancelling ends a restore in the middle of a file', async () => {
  using folder = temporaryFolder();
  const cancel = new AbortController();
  const endless = function* () {
    for (;;) {
      yield Buffer.from('x');
      cancel.abort();
    }
  };
  await assert.rejects(
    filesSource({ path: folder.path }, { signal: cancel.signal }).restore(
      each({ path: 'x', type: 'file', meta: {}, content: endless }),
      intoEmpty,
    ),
    (error) => hasCode(error, 'CANCELLED'),
  );
  assert.deepEqual([readdirSync(folder.path), openFileCount()], [[], 0]);
});
