// A process of its own that holds a lock on a repository until its input ends: `node hold-lock.ts <folder> shared|exclusive`.
import { once } from 'node:events';
import type { LockMode } from '#repository/contract.ts';
import { openRepository } from '#repository/repository.ts';
import { testPassword } from '#repository/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';

const [folder = '', lock = 'shared'] = process.argv.slice(2);
await using store = openLocalStore(folder);
await using _ = await openRepository(store, testPassword, {
  lock: lock as LockMode,
  signal: new AbortController().signal,
});
process.stdout.write('held\n');
await once(process.stdin.resume(), 'end');
