import assert from 'node:assert/strict';
import { closeSync, lstatSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { systemCode } from '#lib/errors.ts';
import { fsPath } from '#lib/file-name.ts';
import { calls, temporaryFolder } from './testing.ts';

suite('system calls', { skip: calls ? false : 'only on 64-bit Linux with koffi installed' }, () => {
  const present = calls as NonNullable<typeof calls>;
  const statOf = (path: string) => lstatSync(fsPath(path), { bigint: true });

  test('times are set to the nanosecond, before 1970 and far ahead too', () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'x');
    for (const time of [1_700_000_000_123_456_789n, -1n, -1_500_000_000n, 0n, 4_102_444_800_000_000_001n]) {
      const file = openSync(path, 'w');
      present.setTimes(file, time, time + 1n);
      closeSync(file);
      assert.deepEqual([statOf(path).atimeNs, statOf(path).mtimeNs], [time, time + 1n]);
      present.setPathTimes(path, time + 2n, time + 3n);
      assert.deepEqual([statOf(path).atimeNs, statOf(path).mtimeNs], [time + 2n, time + 3n]);
    }
  });

  test('a symlink is not followed', () => {
    using folder = temporaryFolder();
    const [file, link] = ['file', 'link'].map((name) => join(folder.path, name)) as [string, string];
    writeFileSync(file, '');
    symlinkSync('file', link);
    const before = statOf(file).mtimeNs;
    present.setPathTimes(link, 1n, 2n);
    assert.deepEqual([statOf(link).mtimeNs, statOf(file).mtimeNs], [2n, before]);
    assert.deepEqual(present.xattrNames(link), []);
  });

  test('attributes of any bytes are set, listed and read, under names of any bytes', () => {
    using folder = temporaryFolder();
    for (const name of ['plain', 'caf\udce9', 'new\nline']) {
      const path = join(folder.path, name);
      writeFileSync(fsPath(path), '');
      assert.deepEqual(present.xattrNames(path), []);
      for (const value of [Buffer.of(), Buffer.of(0, 1, 255), Buffer.alloc(3000, 'x')]) {
        present.setPathXattr(path, 'user.ünï\udcff', value);
        assert.deepEqual(present.xattrNames(path), ['user.ünï\udcff']);
        assert.deepEqual(present.xattr(path, 'user.ünï\udcff'), new Uint8Array(value));
      }
      assert.equal(present.xattr(path, 'user.none'), undefined);
    }
  });

  test('fifos are made, under names of any bytes', () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'fifo\udcff');
    present.makeNode(path, 0o010600, 0n);
    assert.equal(statOf(path).isFIFO(), true);
  });

  test('a failure has the code of the system', () => {
    for (const call of [
      () => present.xattrNames('/nowhere/x'),
      () => present.setPathTimes('/nowhere/x', 0n, 0n),
      () => present.makeNode('/nowhere/x', 0o010600, 0n),
    ])
      assert.throws(call, (error) => systemCode(error) === 'ENOENT');
    assert.throws(
      () => present.setTimes(-1, 0n, 0n),
      (error) => systemCode(error) === 'EBADF',
    );
  });
});
