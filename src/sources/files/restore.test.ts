import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { skipWithoutSmallDisk, smallDisk } from '../../../test/tools/small-disk.ts';
import type { Entry } from '../source.ts';
import { capture, intoEmpty, replay } from '../testing.ts';
import {
  asNobody,
  calls,
  each,
  entry,
  filesSource,
  findListing,
  force,
  isRoot,
  makeTree,
  temporaryFolder,
} from './testing.ts';

test('folders that no entry makes are made', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'new/target');
  const report = await filesSource({ path }).restore(
    each(entry('a/b/c', 'file'), entry('d', 'file')),
    intoEmpty,
  );
  assert.deepEqual([report.entries, report.bytes, report.failures, report.warnings], [2, 6, [], []]);
  assert.equal(readFileSync(join(path, 'a/b/c'), 'utf8'), 'a/b/c');
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test('times are kept to the nanosecond, also of symlinks, folders and what is older than 1970', async () => {
  using folder = temporaryFolder();
  const mtime = -1_234_567_890_123_456_789n;
  await filesSource({ path: folder.path }).restore(
    each(
      entry('d', 'dir', { mtime }),
      entry('d/f', 'file', { mtime: 1_700_000_000_000_000_001n, atime: 5n }),
      entry('d/l', 'symlink', { mtime: 7n, linkTarget: 'f' }),
    ),
    intoEmpty,
  );
  const stat = (path: string) => lstatSync(join(folder.path, path), { bigint: true });
  assert.deepEqual(
    [stat('d').mtimeNs, stat('d/f').mtimeNs, stat('d/f').atimeNs, stat('d/l').mtimeNs],
    [mtime, 1_700_000_000_000_000_001n, 5n, 7n],
  );
});

test('without the system calls, times are kept to a microsecond and what is lost is said', async () => {
  using folder = temporaryFolder();
  const { restore } = filesSource({ path: folder.path }, { calls: undefined });
  const xattrs = [{ name: 'user.x', value: Buffer.of(1) }];
  const report = await restore(
    each(
      entry('a', 'file', { mtime: 1_700_000_000_123_456_789n, xattrs }),
      entry('b', 'file', { mtime: 1_700_000_000_000_000_000n }),
      entry('c', 'file', { mtime: -1_500_000_000n }),
      entry('d', 'fifo'),
    ),
    intoEmpty,
  );
  const off = (name: string, time: bigint): number =>
    Math.abs(Number(lstatSync(join(folder.path, name), { bigint: true }).mtimeNs - time));
  assert.ok(off('a', 1_700_000_000_123_456_789n) < 500);
  assert.equal(off('b', 1_700_000_000_000_000_000n), 0);
  assert.equal(off('c', -1_500_000_000n), 0);
  assert.deepEqual(report.warnings, [
    'the attribute user.x could not be restored on 1 entries',
    'times of 2 entries may be a microsecond off, or a millisecond before 1970',
  ]);
  assert.deepEqual(
    report.failures.map(({ path, error }) => [path, hasCode(error, 'UNSUPPORTED')]),
    [['d', true]],
  );
});

test('a file with several names is one file again, and its content is read once', async () => {
  using folder = temporaryFolder();
  const meta = { inode: 7n, deviceId: 1n, links: 3, size: 1, mtime: 1n };
  let reads = 0;
  const linked = (path: string, more = {}): Entry => ({
    path,
    type: 'file',
    meta: { ...meta, ...more },
    content: () => {
      reads += 1;
      return [Buffer.from('x')];
    },
  });
  const report = await filesSource({ path: folder.path }).restore(
    each(linked('a/b/one'), linked('c'), linked('d', { mtime: 2n })),
    intoEmpty,
  );
  const inode = (path: string): number => statSync(join(folder.path, path)).ino;
  assert.deepEqual(report.failures, []);
  assert.equal(inode('c'), inode('a/b/one'));
  assert.notEqual(inode('d'), inode('c'), 'an inode number that passed to another file is no hard link');
  assert.equal(reads, 2);
});

test('where a file cannot be linked to, it is copied, and that is said', async () => {
  using folder = temporaryFolder();
  const linked = (path: string) => entry(path, 'file', { inode: 7n, deviceId: 1n, links: 2 }, 'x');
  const entries = async function* () {
    yield linked('a');
    rmSync(join(folder.path, 'a'));
    yield linked('b');
  };
  const report = await filesSource({ path: folder.path }).restore(entries(), intoEmpty);
  assert.deepEqual([report.failures, report.warnings], [[], ['1 hard links were restored as copies']]);
  assert.equal(readFileSync(join(folder.path, 'b'), 'utf8'), 'x');
});

test('a file whose metadata cannot be restored is reported, and stays', async (t) => {
  if (!calls) return t.skip('needs extended attributes');
  using folder = temporaryFolder();
  const xattrs = [{ name: 'user.x', value: Buffer.alloc(70_000) }];
  const report = await filesSource({ path: folder.path }).restore(
    each(entry('a', 'file', { xattrs })),
    intoEmpty,
  );
  assert.deepEqual(
    report.failures.map(({ path, error }) => [path, hasCode(error, 'TARGET_FAILED')]),
    [['a', true]],
  );
  assert.equal(readFileSync(join(folder.path, 'a'), 'utf8'), 'a');
});

test('devices are made by root, with their numbers', async (t) => {
  if (!isRoot) return t.skip('needs root');
  using folder = temporaryFolder();
  const report = await filesSource({ path: folder.path }).restore(
    each(entry('null', 'chardev', { device: 0x103n, mode: 0o666 }), entry('disk', 'dev', { device: 0x700n })),
    intoEmpty,
  );
  if (report.failures.some(({ error }) => error.message.includes('EPERM')))
    return t.skip('no devices in this container');
  const stat = lstatSync(join(folder.path, 'null'));
  assert.deepEqual([stat.isCharacterDevice(), stat.rdev, stat.mode & 0o7777], [true, 0x103, 0o666]);
  assert.equal(lstatSync(join(folder.path, 'disk')).isBlockDevice(), true);
  const again = (await capture(filesSource({ path: folder.path }))).map(({ type, meta }) => [
    type,
    meta.device,
  ]);
  assert.deepEqual(again, [
    ['dir', undefined],
    ['dev', 0x700n],
    ['chardev', 0x103n],
  ]);
});

test('sockets are counted, not made', async () => {
  using folder = temporaryFolder();
  const report = await filesSource({ path: folder.path }).restore(each(entry('s', 'socket')), intoEmpty);
  assert.deepEqual(report.warnings, ['1 sockets were not restored: their programs make new ones']);
  assert.deepEqual(readdirSync(folder.path), []);
});

test('owners and setuid bits go together', async (t) => {
  if (!isRoot) return t.skip('needs root, to give files away and to become somebody else');
  using folder = temporaryFolder();
  const entries = () =>
    each(
      entry('x', 'file', { uid: 1234, gid: 5678, mode: 0o6755 }),
      entry('mine', 'file', { uid: 65534, gid: 65534, mode: 0o4755 }),
    );
  const modes = (path: string) =>
    ['x', 'mine'].map((name) => {
      const { uid, gid, mode } = statSync(join(path, name));
      return [uid, gid, (mode & 0o7777).toString(8)];
    });
  const path = join(folder.path, 'as-root');
  await filesSource({ path }).restore(entries(), intoEmpty);
  assert.deepEqual(modes(path), [
    [1234, 5678, '6755'],
    [65534, 65534, '4755'],
  ]);

  chmodSync(folder.path, 0o777);
  const other = join(folder.path, 'as-nobody');
  const { warnings } = await asNobody(() => filesSource({ path: other }).restore(entries(), intoEmpty));
  assert.deepEqual(modes(other), [
    [65534, 65534, '755'],
    [65534, 65534, '4755'],
  ]);
  assert.deepEqual(warnings, [
    'owners of 1 entries were not restored: only root can, they belong to the current user',
    'setuid and setgid bits of 1 entries were left out with their owners',
  ]);
});

test('owners and modes are right in folders that have their own ideas about new files', async (t) => {
  if (!isRoot) return t.skip('needs root');
  const three = (path: string) =>
    [0o644, 0o640, 0o666, 0o400].map((mode, at) => entry(`${path}${at}`, 'file', { uid: 0, gid: 0, mode }));
  const seen = (path: string) =>
    readdirSync(path)
      .map((name) => statSync(join(path, name)))
      .map(({ uid, gid, mode }) => `${uid}:${gid} ${(mode & 0o7777).toString(8)}`);
  const expected = ['0:0 644', '0:0 640', '0:0 666', '0:0 400'];
  const ways: Record<string, (path: string) => void> = {
    plain: () => {},
    setgid: (path) => {
      chownSync(path, 0, 1234);
      chmodSync(path, 0o2777);
    },
    acl: (path) => {
      execFileSync('setfacl', ['-d', '-m', 'u:1234:r,g::---,m::r', path], { stdio: 'ignore' });
    },
  };
  for (const [name, prepare] of Object.entries(ways)) {
    using folder = temporaryFolder();
    try {
      prepare(folder.path);
    } catch {
      continue; // setfacl is not everywhere
    }
    await filesSource({ path: folder.path }).restore(each(...three('f')), intoEmpty);
    assert.deepEqual(seen(folder.path), expected, name);
  }
});

test('an empty target takes the metadata of the root; one with files in it keeps its own', async () => {
  using folder = temporaryFolder();
  const root = entry('', 'dir', { mode: 0o711, mtime: 5n });
  await filesSource({ path: folder.path }).restore(each(root, entry('x', 'file')), intoEmpty);
  assert.deepEqual(
    [statSync(folder.path).mode & 0o777, statSync(folder.path, { bigint: true }).mtimeNs],
    [0o711, 5n],
  );
  chmodSync(folder.path, 0o750);
  await filesSource({ path: folder.path }).restore(each(root), force);
  assert.equal(statSync(folder.path).mode & 0o777, 0o750);
});

test('a read-only folder of the snapshot does not stop what lies in it', async () => {
  using folder = temporaryFolder();
  chmodSync(folder.path, 0o777);
  const path = join(folder.path, 'target');
  const work = () =>
    filesSource({ path }).restore(each(entry('d', 'dir', { mode: 0o500 }), entry('d/x', 'file')), intoEmpty);
  const report = await (isRoot ? asNobody(work) : work());
  assert.deepEqual(report.failures, []);
  assert.equal(statSync(join(path, 'd')).mode & 0o777, 0o500);
});

test('a target that is a file, or in no folder one may write, is refused', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { x: '', loop: '->loop', 'to-nowhere': '->nowhere', 'locked/inside/': '' });
  chmodSync(folder.path, 0o755);
  chmodSync(join(folder.path, 'locked'), 0o700);
  const refusal = async (path: string): Promise<string> => {
    const restoring = filesSource({ path: join(folder.path, path) }).restore(each(), intoEmpty);
    const error = await restoring.catch((thrown: unknown) => thrown);
    assert.ok(hasCode(error, 'TARGET_FAILED') && error.hint, String(error));
    return error.message.replaceAll(folder.path, '');
  };
  assert.equal(await refusal('x'), 'cannot use the folder /x: it is no folder');
  assert.equal(await refusal('x/below'), 'cannot use the folder /x/below: ENOTDIR: not a directory');
  assert.equal(
    await refusal('loop'),
    'cannot use the folder /loop: ELOOP: too many symbolic links encountered',
  );
  assert.equal(
    await refusal('to-nowhere'),
    'cannot use the folder /to-nowhere: it is a link that leads nowhere',
  );
  assert.match(await refusal('n'.repeat(300)), /: ENAMETOOLONG: name too long$/);
  if (isRoot)
    assert.equal(
      await asNobody(() => refusal('locked/inside')),
      'cannot use the folder /locked/inside: EACCES: permission denied',
    );
});

test('a target in which nothing can be written is refused, before each file is', {
  skip: skipWithoutSmallDisk(),
}, async () => {
  using folder = temporaryFolder();
  using disk = smallDisk(join(folder.path, 'disk'), 'size=64k');
  execFileSync('mount', ['-o', 'remount,ro', disk.path]);
  await assert.rejects(filesSource({ path: disk.path }).restore(each(entry('x', 'file')), intoEmpty), {
    code: 'TARGET_FAILED',
    message: /cannot use the folder .*EROFS/,
    hint: /mount/,
  });
});

test('what a restore of files cannot do is refused', async () => {
  using folder = temporaryFolder();
  const refused = (options: Record<string, unknown>, target = intoEmpty, overrides = {}) =>
    assert.rejects(filesSource(options, overrides).restore(each(), target), (error) =>
      hasCode(error, 'UNSUPPORTED'),
    );
  await refused({ path: folder.path }, { ...intoEmpty, rename: [['a', 'b']] });
  await refused({ paths: [folder.path] });
  await refused({ path: folder.path, xattrs: 'required' }, intoEmpty, { calls: undefined });
});

test('extended attributes and ACLs come back, and are left alone when off', async (t) => {
  using original = temporaryFolder();
  makeTree(original.path, { x: '', 'd/': '', plain: '' });
  try {
    execFileSync('setfattr', ['-n', 'user.note', '-v', '0x00ff0a', join(original.path, 'x')], {
      stdio: 'ignore',
    });
    execFileSync('setfacl', ['-m', 'u:1234:r', join(original.path, 'x')], { stdio: 'ignore' });
    execFileSync('setfacl', ['-d', '-m', 'u:1234:rx', join(original.path, 'd')], { stdio: 'ignore' });
  } catch {
    return t.skip('needs setfattr and setfacl, and a file system with attributes');
  }
  chmodSync(join(original.path, 'x'), 0o444);
  const dumped = await capture(filesSource({ path: original.path }));
  const names = dumped.find(({ path }) => path === 'x')?.meta.xattrs?.map(({ name }) => name);
  assert.deepEqual(names, ['system.posix_acl_access', 'user.note']);
  const attributesOf = (path: string): string =>
    execFileSync('getfattr', ['-R', '-P', '-d', '-m', '-', '-e', 'hex', '.'], {
      cwd: path,
      encoding: 'utf8',
    });
  for (const [xattrs, same] of [
    ['auto', true],
    ['off', false],
  ] as const) {
    using target = temporaryFolder();
    await filesSource({ path: target.path, xattrs }).restore(replay(dumped), intoEmpty);
    assert.equal(attributesOf(target.path) === attributesOf(original.path), same, xattrs);
    if (same) assert.deepEqual(findListing(target.path), findListing(original.path));
  }
  assert.ok(
    (await capture(filesSource({ path: original.path, xattrs: 'off' }))).every(({ meta }) => !meta.xattrs),
  );
});

test('a snapshot of a database is written as the files it is made of', async () => {
  using folder = temporaryFolder();
  await filesSource({ path: folder.path }).restore(
    each(
      entry('data', 'dir'),
      entry('data/public.orders', 'dir'),
      entry('data/public.orders/0000.copy', 'file'),
    ),
    intoEmpty,
  );
  assert.ok(existsSync(join(folder.path, 'data/public.orders/0000.copy')));
});

test('a file whose attribute does not fit has its mode and time all the same, and is named', async (t) => {
  if (!calls) return t.skip('needs extended attributes');
  using folder = temporaryFolder();
  const setXattr = (): never => {
    throw Object.assign(new Error('ENOSPC: fsetxattr failed'), { code: 'ENOSPC', syscall: 'fsetxattr' });
  };
  const xattrs = [{ name: 'user.large', value: Buffer.from('x') }];
  const { failures } = await filesSource({ path: folder.path }, { calls: { ...calls, setXattr } }).restore(
    each(entry('a', 'file', { mode: 0o640, mtime: 1_000_000_000n, xattrs }), entry('b', 'file')),
    intoEmpty,
  );
  assert.deepEqual(
    failures.map(({ path }) => path),
    ['a'],
  );
  const { mode, mtimeMs } = statSync(join(folder.path, 'a'));
  assert.deepEqual([mode & 0o777, mtimeMs, existsSync(join(folder.path, 'b'))], [0o640, 1000, true]);
});
