import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { sourceContract } from '../contract.ts';
import { contentsOf, everythingSql, execute, openSqlite, query } from './testing.ts';

const openFiles = (): number =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(folder);
    } catch {
      return false; // closed meanwhile
    }
  }).length;

const folder = temporaryFolder('sqlite-contract');

sourceContract('sqlite', async () => {
  const path = join(folder, 'shop.db');
  execute(path, everythingSql);
  const restored = new Map<unknown, string>();
  return {
    open: async (signal) => await openSqlite(path, {}, { signal }),
    async emptyTarget() {
      const target = join(folder, `restored-${restored.size}.db`);
      const source = await openSqlite(target);
      restored.set(source, target);
      return source;
    },
    async same(target) {
      const copy = restored.get(target) as string;
      assert.deepEqual(contentsOf(copy), contentsOf(path));
      assert.deepEqual(query(copy, 'PRAGMA integrity_check'), [['ok']]);
    },
    keeps: [],
    manifests: ['manifest.json'],
    knowsUnchanged: false,
    openThings: async () => openFiles(),
    async [Symbol.asyncDispose]() {},
  };
});
