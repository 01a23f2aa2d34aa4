import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { sourceContract } from '../contract.ts';
import { filesSource, findListing, makeOddTree, openFileCount, temporaryFolder } from './testing.ts';

sourceContract('files', async () => {
  const folders = new DisposableStack();
  const original = folders.use(temporaryFolder()).path;
  makeOddTree(original);
  const targets = new WeakMap<object, string>();
  return {
    open: async (signal) => filesSource({ path: original }, { signal }),
    emptyTarget: async () => {
      const { path } = folders.use(temporaryFolder());
      const target = filesSource({ path });
      targets.set(target, path);
      return target;
    },
    same: async (target) => {
      const restored = targets.get(target) as string;
      assert.deepEqual(findListing(restored), findListing(original));
      execFileSync('diff', ['-r', '--no-dereference', original, restored, '--exclude=fifo']);
    },
    keeps: [
      'mode',
      'mtime',
      'uid',
      'gid',
      'user',
      'group',
      'links',
      'size',
      'linkTarget',
      'device',
      'xattrs',
    ],
    manifests: [],
    knowsUnchanged: true,
    openThings: async () => openFileCount(),
    [Symbol.asyncDispose]: async () => folders.dispose(),
  };
});
