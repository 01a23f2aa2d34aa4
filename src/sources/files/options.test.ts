import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { files } from './files.ts';
import { filesConfig } from './options.ts';

const messages = (value: unknown): string[] =>
  filesConfig.safeParse(value).error?.issues.map(({ message }) => message) ?? [];

test('either a path or several', () => {
  assert.deepEqual(messages({ path: '/a' }), []);
  assert.deepEqual(messages({ paths: ['/a', '/b'] }), []);
  assert.deepEqual(messages({}), ['give either path or paths']);
  assert.deepEqual(messages({ path: '/a', paths: ['/b'] }), ['give either path or paths']);
});

test('a snapshot that a hook mounts is of one path, and there is no other', () => {
  assert.deepEqual(messages({ path: '/a', readFrom: '/b' }), []);
  assert.deepEqual(messages({ paths: ['/a'], readFrom: '/b' }), ['is for one `path`, not for several']);
  assert.deepEqual(messages({ path: '/a', readFrom: '/b', fsSnapshot: 'btrfs' }), [
    'is for snapshots that a hook makes, and `fsSnapshot` makes them itself',
  ]);
});

test('sizes are bytes, or have a unit', () => {
  const size = (excludeLargerThan: unknown): number | undefined =>
    filesConfig.parse({ path: '/a', excludeLargerThan }).excludeLargerThan;
  assert.deepEqual([500, '500', '2k', '3M', '1G', '1T'].map(size), [
    500,
    500,
    2048,
    3 * 2 ** 20,
    2 ** 30,
    2 ** 40,
  ]);
  assert.deepEqual(messages({ path: '/a', excludeLargerThan: '3 apples' }), [
    'write it as 500, 10K, 20M or 3G',
  ]);
});

test('on the command line a path stands for itself, with or without the scheme', () => {
  const path = (url: string): string | undefined => files.fromUrl?.(url).path;
  assert.deepEqual(['/srv', 'files:/srv', 'files:///srv', 'files:srv', './a:b'].map(path), [
    '/srv',
    '/srv',
    '/srv',
    'srv',
    './a:b',
  ]);
  assert.equal(path('~/x'), join(homedir(), 'x'));
});
