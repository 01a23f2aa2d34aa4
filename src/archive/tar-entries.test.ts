import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import type { Entry } from '#sources/source.ts';
import { temporaryFolder } from '../../test/tools/temp.ts';
import { entriesOf, membersOf, partBytes } from './tar-entries.ts';
import { packTar, unpackTar } from './tar-stream.ts';

const large = Buffer.alloc(partBytes + 5_000_000, 'kelp and rock ');
const chunks = function* (bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
};
const file = (path: string, bytes: Buffer, meta: Entry['meta'] = {}): Entry => ({
  path,
  type: 'file',
  meta,
  content: () => chunks(bytes),
});

const tarOf = async (entries: readonly Entry[], failures: Error[] = []): Promise<Buffer> => {
  const list = async function* () {
    yield* entries;
  };
  const watcher = { onEntry: () => {}, onFailure: (_: Entry, error: Error) => void failures.push(error) };
  return Buffer.concat(
    await Array.fromAsync(packTar(membersOf('shop', list(), watcher)), (chunk) => Buffer.from(chunk)),
  );
};
const stream = async function* (bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield* chunks(bytes);
};

test('what is long and of unknown length is cut into parts, which cat and Holdfast put together', async () => {
  const tar = await tarOf([
    file('data/rows', large),
    file('data/small', Buffer.from('x')),
    file('empty', Buffer.alloc(0)),
  ]);
  const folder = temporaryFolder('tar-parts');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'a.tar'), tar);
  execFileSync('bash', ['-ec', 'tar -xf a.tar && cat shop/data/rows.part-* > rows'], { cwd: folder });
  assert.ok(large.equals(readFileSync(join(folder, 'rows'))));
  const found: [string, number][] = [];
  for await (const entry of entriesOf(unpackTar(stream(tar)), 'shop')) {
    const bytes = Buffer.concat(
      await Array.fromAsync(entry.content?.() ?? [], (chunk) => Buffer.from(chunk)),
    );
    found.push([entry.path, bytes.length]);
  }
  assert.deepEqual(found, [
    ['data/rows', large.length],
    ['data/small', 1],
    ['empty', 0],
  ]);
});

test('contents that nobody reads are passed over', async () => {
  const tar = await tarOf([file('data/rows', large), file('z', Buffer.from('x'))]);
  const paths = await Array.fromAsync(entriesOf(unpackTar(stream(tar)), 'shop'), ({ path }) => path);
  assert.deepEqual(paths, ['data/rows', 'z']);
});

test('of a file that grows there is what was listed, and one that shrinks spoils the archive', async () => {
  const bytes = Buffer.alloc(3_000_000, 1);
  const tar = await tarOf([file('grows', bytes, { inode: 1n, size: 2_000_000 })]);
  for await (const { meta } of entriesOf(unpackTar(stream(tar)), 'shop')) assert.equal(meta.size, 2_000_000);
  await assert.rejects(tarOf([file('shrinks', bytes, { inode: 1n, size: 4_000_000 })]), {
    code: 'ITEM_CHANGED',
  });
});

test('what cannot be read is left out and told', async () => {
  const failures: Error[] = [];
  const failed = new HoldfastError('ITEM_UNREADABLE', 'no right');
  const unreadable: Entry = {
    path: 'b',
    type: 'file',
    meta: {},
    content: () => brokenContent(failed),
  };
  await tarOf(
    [{ path: 'a', type: 'file', meta: {}, failed }, unreadable, file('\udc80', Buffer.alloc(1))],
    failures,
  );
  assert.deepEqual(
    failures.map((error) => error instanceof HoldfastError && error.code),
    Array(3).fill('ITEM_UNREADABLE'),
  );
});

test('a tar that is cut short is refused', async () => {
  const tar = await tarOf([file('a', Buffer.alloc(100_000, 1))]);
  await assert.rejects(async () => {
    for await (const { content } of entriesOf(unpackTar(stream(tar.subarray(0, 50_000))), 'shop'))
      await Array.fromAsync(content?.() ?? []);
  });
});

async function* brokenContent(error: Error): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x');
  throw error;
}

test('owners and times that the old header has no room for come back, by tar and by Holdfast', async () => {
  const second = 1_000_000_000n;
  const metas: Record<string, Entry['meta']> = {
    directory: { uid: 1_234_567_890, gid: 3_000_000, mtime: 1n },
    far: { uid: 1000, gid: 100, mtime: 13_569_465_600n * second },
    old: { uid: 0, gid: 0, mtime: -315_619_200n * second },
    shortly: { uid: 0, gid: 0, mtime: -(second / 4n) },
  };
  const tar = await tarOf(Object.entries(metas).map(([path, meta]) => file(path, Buffer.from('x'), meta)));
  const found = await Array.fromAsync(entriesOf(unpackTar(stream(tar)), 'shop'), ({ path, meta }) => [
    path,
    { uid: meta.uid, gid: meta.gid, mtime: meta.mtime },
  ]);
  assert.deepEqual(Object.fromEntries(found), metas);
  const listed = execFileSync('tar', ['--numeric-owner', '--full-time', '-tvf', '-'], {
    input: tar,
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  assert.match(listed, /1234567890\/3000000 .* shop\/directory\n/);
  assert.match(
    listed,
    / 2400-01-01 00:00:00 .*far\n.* 1960-01-01 00:00:00 .*old\n.* 1969-12-31 23:59:59.75 .*shortly\n/,
  );
});
