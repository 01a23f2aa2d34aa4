import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { skipWithoutFailingDisk } from '../../../test/tools/failing-disk.ts';
import { overbookedDisk } from '../../../test/tools/overbooked-disk.ts';
import { skipWithoutSmallDisk, smallDisk } from '../../../test/tools/small-disk.ts';
import { storeContract } from '../testing.ts';
import { folderError } from './folder-error.ts';
import { local, openLocalStore } from './local.ts';
import { putLocalFileSync } from './write-object.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-local-'));
after(() => rmSync(folder, { recursive: true, force: true }));

storeContract('local', { open: async () => openLocalStore(join(folder, 'contract')) });

test('objects are read-only files in folders that only their owner may enter', async () => {
  await using store = openLocalStore(join(folder, 'modes'));
  await store.put('data/ab/abcd', Buffer.from('x'));
  assert.equal(statSync(join(folder, 'modes/data/ab/abcd')).mode & 0o777, 0o400);
  assert.equal(statSync(join(folder, 'modes/data/ab')).mode & 0o777, 0o700);
});

test('a worker writes an object in parts where the store finds it', async () => {
  await using store = openLocalStore(join(folder, 'worker'));
  const parts = Array.from({ length: 2000 }, (_, index) => Buffer.alloc(index % 7, index));
  putLocalFileSync(store.localFolder, 'data/00/pack', parts);
  assert.deepEqual(Buffer.from(await store.get('data/00/pack')), Buffer.concat(parts));
  assert.deepEqual(readdirSync(join(folder, 'worker/data/00')), ['pack']);
});

test('what an interrupted write left behind is not an object', async () => {
  await using store = openLocalStore(join(folder, 'leftovers'));
  await store.put('locks/a', Buffer.from('a'));
  writeFileSync(join(folder, 'leftovers/locks/b-tmp-123'), 'half');
  const found = await Array.fromAsync(store.list('locks/'), ({ key, size }) => ({ key, size }));
  assert.deepEqual(found, [{ key: 'locks/a', size: 1 }]);
  assert.equal(await store.removeLeftovers('data/'), 0);
  assert.equal(await store.removeLeftovers('locks/'), 4);
  assert.deepEqual(readdirSync(join(folder, 'leftovers/locks')), ['a']);
});

test('a full disk is told apart from a broken one, for both ways of writing', {
  skip: skipWithoutSmallDisk(),
}, async () => {
  using disk = smallDisk(join(folder, 'full'), 'size=1m');
  await using store = openLocalStore(join(disk.path, 'store'));
  await store.put('data/ab/first', Buffer.alloc(500_000, 1));
  await assert.rejects(store.put('data/ab/second', Buffer.alloc(900_000)), { code: 'STORE_FULL' });
  assert.throws(() => putLocalFileSync(store.localFolder, 'data/cd/third', [Buffer.alloc(900_000)]), {
    code: 'STORE_FULL',
  });
  const listed = await Array.fromAsync(store.list(''), ({ key, size }) => ({ key, size }));
  assert.deepEqual(listed, [{ key: 'data/ab/first', size: 500_000 }]);
  execFileSync('mount', ['-o', 'remount,ro', disk.path]);
  await assert.rejects(store.put('data/ab/fourth', Buffer.alloc(1)), { code: 'STORE_DENIED' });
  await assert.rejects(store.delete('data/ab/first'), { code: 'STORE_DENIED' });
  assert.equal((await store.get('data/ab/first')).length, 500_000);
});

test('an error of the file system says what was done, where, and what to do', () => {
  const cause = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  const error = folderError(cause, 'write', '/srv/backups', 'data/ab/cd');
  assert.equal(error.code, 'STORE_DENIED');
  assert.equal(error.message, '/srv/backups: cannot write data/ab/cd: EACCES: permission denied');
  assert.match(error.hint ?? '', /let the user .* write/);
  assert.match(folderError(cause, 'list', '/srv', 'x').hint ?? '', /let the user .* read/);
  const folderThere = Object.assign(new Error('EISDIR: illegal operation'), { code: 'EISDIR' });
  assert.match(folderError(folderThere, 'write', '/srv', 'x').hint ?? '', /a folder stands where/);
  assert.equal(folderError(new Error('EIO'), 'read', '/srv', 'x').code, 'STORE_UNREACHABLE');
  const many = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  assert.match(folderError(many, 'read', '/srv', 'x').hint ?? '', /ulimit -n/);
  const quota = Object.assign(new Error('UNKNOWN: unknown error, write'), {
    code: 'UNKNOWN',
    errno: -constants.errno.EDQUOT,
  });
  assert.equal(folderError(quota, 'write', '/srv', 'x').code, 'STORE_FULL');
});

test('a commit that was in the way of something can be made again, and is made once', async () => {
  const place = join(folder, 'commits');
  await using store = openLocalStore(place);
  const object = await store.beginLarge('a');
  await object.putPiece({ number: 0, offset: 0 }, Buffer.from('content'));
  mkdirSync(join(place, 'a'));
  await assert.rejects(object.commit(), { code: 'STORE_DENIED', hint: /a folder stands where/ });
  rmdirSync(join(place, 'a'));
  for (const _ of ['the one that succeeds', 'one whose answer was lost']) await object.commit();
  assert.deepEqual(readdirSync(place), ['a']);
});

test('what a disk could not keep is not committed by a second attempt', {
  skip: skipWithoutFailingDisk(),
}, async () => {
  const mounted = join(folder, 'no-room');
  using _disk = overbookedDisk(mounted);
  await using store = openLocalStore(join(mounted, 'store'));
  const object = await store.beginLarge('a');
  await object.putPiece({ number: 0, offset: 0 }, Buffer.alloc(4 * 1024 * 1024, 1));
  for (const _ of ['first', 'second']) await assert.rejects(object.commit(), { code: 'STORE_FULL' });
  assert.deepEqual(await Array.fromAsync(store.list('')), []);
  await object.abort();
});

test('a disk that is unmounted meanwhile is not gone on with below', {
  skip: skipWithoutSmallDisk(),
}, async () => {
  const disk = join(folder, 'disk');
  const place = join(disk, 'store');
  await using store = openLocalStore(place);
  {
    using _ = smallDisk(disk, 'size=64k');
    await store.put('data/a/a', Buffer.from('x'));
  }
  await assert.rejects(store.put('data/b/b', Buffer.from('x')), {
    code: 'STORE_UNREACHABLE',
    message: /no longer mounted/,
  });
  assert.throws(() => putLocalFileSync(place, 'data/c/c', [Buffer.from('x')]), { code: 'STORE_UNREACHABLE' });
  assert.deepEqual(readdirSync(disk), []);
});

test('nor is a large object begun below it', { skip: skipWithoutSmallDisk() }, async () => {
  const disk = join(folder, 'disk of large ones');
  await using store = openLocalStore(join(disk, 'store'));
  {
    using _ = smallDisk(disk, 'size=64k');
    const large = await store.beginLarge('a/a');
    await large.putPiece({ number: 0, offset: 0 }, Buffer.from('x'));
    await large.commit();
  }
  await assert.rejects(store.beginLarge('b/b'), { code: 'STORE_UNREACHABLE', message: /no longer mounted/ });
  assert.deepEqual(readdirSync(disk), []);
});

test('a file where a folder is needed, and a folder where an object is, are errors', async () => {
  await using store = openLocalStore(join(folder, 'shapes'));
  await store.put('config', Buffer.from('x'));
  await assert.rejects(store.put('config/inside', Buffer.from('x')), { code: 'STORE_DENIED' });
  await assert.rejects(store.get('config/inside'), { code: 'OBJECT_MISSING' });
  await store.put('data/ab/cd', Buffer.from('x'));
  await assert.rejects(store.get('data/ab'), { code: 'OBJECT_MISSING' });
  await assert.rejects(store.get('data/ab', { offset: 0, length: 1 }), { code: 'OBJECT_MISSING' });
});

test('a file in the place of the store is an error, and not a store with nothing in it', async () => {
  writeFileSync(join(folder, 'plain file'), 'x');
  await using store = openLocalStore(join(folder, 'plain file'));
  for (const prefix of ['', 'keys/'])
    await assert.rejects(Array.fromAsync(store.list(prefix)), { code: 'STORE_DENIED' });
});

test('a folder that somebody makes while it is listed is no error', async () => {
  await using store = openLocalStore(folder);
  for (let round = 0; round < 300; round += 1) {
    rmSync(join(folder, 'late'), { recursive: true, force: true });
    const listing = Array.fromAsync(store.list('late/'));
    mkdirSync(join(folder, 'late'));
    assert.deepEqual(await listing, []);
  }
});

test('a folder that is a link to a disk that is not mounted is an error, and not a folder with nothing in it', async () => {
  const place = join(folder, 'linked');
  await using store = openLocalStore(place);
  await store.put('config', Buffer.from('x'));
  symlinkSync(join(folder, 'not mounted', 'snapshots'), join(place, 'snapshots'));
  symlinkSync(place, join(folder, 'link to the store'));
  await using linked = openLocalStore(join(folder, 'link to the store'));
  for (const one of [store, linked]) {
    await assert.rejects(Array.fromAsync(one.list('snapshots/')), {
      code: 'STORE_UNREACHABLE',
      hint: /mount/,
    });
    assert.deepEqual(await Array.fromAsync(one.list('index/')), []);
  }
  rmSync(place, { recursive: true });
  await assert.rejects(Array.fromAsync(linked.list('')), { code: 'STORE_UNREACHABLE' });
  assert.deepEqual(await Array.fromAsync(store.list('')), []);
});

test('a pipe or a socket in the place of an object is none, and is not waited for', async (t) => {
  if (process.platform === 'win32') return t.skip('has no pipes in folders');
  const place = join(folder, 'pipes');
  mkdirSync(place);
  execFileSync('mkfifo', [join(place, 'config')]);
  const socket = createServer().listen(join(place, 'socket'));
  await once(socket, 'listening');
  await using store = openLocalStore(place);
  for (const key of ['config', 'socket'])
    for (const range of [undefined, { offset: 0, length: 9 }, { offset: 0, length: 1_000_000 }])
      await assert.rejects(store.get(key, range), { code: 'OBJECT_MISSING' });
  assert.deepEqual(await Array.fromAsync(store.list('')), []);
  socket.close();
});

test('a file that is made larger than any object takes no memory', async () => {
  const place = join(folder, 'large');
  await using store = openLocalStore(place);
  const key = `snapshots/${'ab'.repeat(32)}`;
  for (const [name, bytes] of [
    [key, 2 ** 30],
    ['archive', 2 ** 40],
  ] as const) {
    await store.put(name, Buffer.from('x'));
    chmodSync(join(place, name), 0o600);
    truncateSync(join(place, name), bytes);
    await assert.rejects(store.get(name), { code: 'STORE_UNREACHABLE', message: /no such object/ });
    assert.equal((await store.get(name, { offset: bytes - 9, length: 9 })).length, 9);
  }
});

test('links to other folders are followed, and those that lead round are refused', async () => {
  const place = join(folder, 'round');
  await using store = openLocalStore(join(place, 'store'));
  await store.put('a/object', Buffer.from('x'));
  mkdirSync(join(place, 'disk'));
  writeFileSync(join(place, 'disk', 'object'), 'x');
  symlinkSync(join(place, 'disk'), join(place, 'store', 'b'));
  symlinkSync(join(place, 'disk'), join(place, 'store', 'c'));
  const keys = await Array.fromAsync(store.list(''), ({ key }) => key);
  assert.deepEqual(keys.toSorted(), ['a/object', 'b/object', 'c/object']);
  for (const [name, to] of [
    ['one', '.'],
    ['another', '..'],
    ['third', join(place, 'store')],
  ] as const)
    symlinkSync(to, join(place, 'store', 'a', name));
  await assert.rejects(Array.fromAsync(store.list('')), { code: 'STORE_DENIED', message: /above it/ });
  rmSync(join(place, 'store', 'a'), { recursive: true });
  symlinkSync('../store', join(place, 'disk', 'back'));
  await assert.rejects(Array.fromAsync(store.list('b')), { code: 'STORE_DENIED', message: /above it/ });
});

test('what a file does not give is not made up', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs a file of Linux that gives less than its size');
  await using store = openLocalStore('/sys/class/net/lo');
  for (const range of [{ offset: 0, length: 4096 }, undefined])
    await assert.rejects(store.get('mtu', range), { code: 'OBJECT_MISSING' });
});

test('a path may come as restic writes it, as a file URL, or plain', () => {
  for (const url of [
    '/srv/x',
    'local:/srv/x',
    'LOCAL:/srv/x',
    'file:///srv/x',
    'FILE:///srv/x',
    'file:/srv/x',
  ])
    assert.deepEqual(local.fromUrl?.(url), { path: '/srv/x' });
  for (const url of ['file://vault/srv/x', 'file:srv/x', 'file:////srv/x'])
    assert.throws(() => local.fromUrl?.(url), { code: 'USAGE' }, url);
  assert.deepEqual(local.fromUrl?.('relative/x'), { path: 'relative/x' });
});
