import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { readFile } from './read-file.ts';
import { openFileCount, temporaryFolder } from './testing.ts';

const { signal } = new AbortController();
const mebibyte = 1 << 20;

/** What a reader gets that keeps each chunk before it pulls the next. */
const read = (path: string, size: number): Buffer =>
  Buffer.concat([...readFile(path, size, signal).map((chunk) => Buffer.from(chunk))]);

test('files of every size come out whole, whatever size was promised', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'x');
  for (const size of [0, 1, 4095, 4096, 4097, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte]) {
    const bytes = Buffer.alloc(size, 'some text');
    writeFileSync(path, bytes);
    for (const promised of [size, 0, 1, size + 1, size * 2]) assert.ok(read(path, promised).equals(bytes));
  }
});

test('a file that grows or shrinks while it is read is taken as it is read', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'x');
  const lengths = (change: () => void): number[] => {
    writeFileSync(path, Buffer.alloc(2 * mebibyte));
    return [
      ...readFile(path, 2 * mebibyte, signal).map((chunk, index) => {
        if (index === 0) change();
        return chunk.length;
      }),
    ];
  };
  const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
  assert.equal(sum(lengths(() => appendFileSync(path, Buffer.alloc(mebibyte)))), 3 * mebibyte);
  assert.equal(sum(lengths(() => truncateSync(path, mebibyte + 5))), mebibyte + 5);
});

test('what took the place of a file is not read for it', () => {
  using folder = temporaryFolder();
  const link = join(folder.path, 'link');
  symlinkSync('/etc/passwd', link);
  const fifo = join(folder.path, 'fifo');
  execFileSync('mkfifo', [fifo]);
  assert.throws(
    () => read(link, 5),
    (error) => hasCode(error, 'ITEM_UNREADABLE'),
  );
  assert.throws(
    () => read(fifo, 5),
    (error) => hasCode(error, 'ITEM_CHANGED'),
  );
  assert.throws(
    () => read('/dev/zero', 5),
    (error) => hasCode(error, 'ITEM_CHANGED'),
  );
  assert.throws(
    () => read(folder.path, 5),
    (error) => hasCode(error, 'ITEM_UNREADABLE'),
  );
});

test('a file that is gone is unreadable, and the hint says why', () => {
  assert.throws(
    () => read('/nowhere/x', 5),
    (error) => hasCode(error, 'ITEM_UNREADABLE') && error.hint === 'it was removed while the backup ran',
  );
});

test('of a file that the disk does not give, the hint is not to ask for rights', (t) => {
  if (process.platform !== 'linux')
    return t.skip('needs a file of Linux that cannot be read at its beginning');
  assert.throws(
    () => read('/proc/self/mem', 5),
    (error) =>
      hasCode(error, 'ITEM_UNREADABLE') && /EIO/.test(error.message) && /dmesg/.test(error.hint ?? ''),
  );
});

test('what fails when a file is closed concerns that file alone', (t) => {
  if (process.platform !== 'linux') return t.skip('needs /proc');
  using folder = temporaryFolder();
  const path = join(realpathSync(folder.path), 'x');
  writeFileSync(path, 'text');
  const closeBehind = (): void => {
    for (const file of readdirSync('/proc/self/fd'))
      if (existsSync(`/proc/self/fd/${file}`) && readlinkSync(`/proc/self/fd/${file}`) === path)
        closeSync(Number(file)); // whoever closes it later is refused
  };
  assert.throws(
    () => {
      for (const _ of readFile(path, 4, signal)) closeBehind();
    },
    (error) => hasCode(error, 'ITEM_UNREADABLE'),
  );
});

test('a reader that stops, fails or is cancelled leaves no file open', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'x');
  writeFileSync(path, Buffer.alloc(3 * mebibyte));
  const cancel = new AbortController();
  for (const _ of readFile(path, mebibyte, signal)) break;
  assert.throws(
    () => {
      for (const _ of readFile(path, mebibyte, cancel.signal)) cancel.abort();
    },
    (error) => hasCode(error, 'CANCELLED'),
  );
  readFile(path, mebibyte, signal);
  assert.equal(openFileCount(), 0);
});

test('two files read side by side do not share a buffer', () => {
  using folder = temporaryFolder();
  const [a, b] = ['a', 'b'].map((name) => {
    writeFileSync(join(folder.path, name), name);
    return readFile(join(folder.path, name), 1, signal);
  }) as [Generator<Uint8Array>, Generator<Uint8Array>];
  const chunks = [a.next().value, b.next().value].map((chunk) => String(Buffer.from(chunk as Uint8Array)));
  assert.deepEqual(chunks, ['a', 'b']);
});
