import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { openStore, storeFromUrl, storeKinds } from './registry.ts';

const context = { name: 'x', signal: new AbortController().signal, log: silentLog, clock: systemClock };
const locationOf = async (url: string): Promise<string> => {
  await using store = await openStore(storeFromUrl(url), context);
  return store.location;
};

test('a path and a URL name the same folder', async () => {
  assert.equal(await locationOf('/srv/backups'), '/srv/backups');
  assert.equal(await locationOf('local:/srv/backups'), '/srv/backups');
  assert.equal(await locationOf('file:///srv/backups'), '/srv/backups');
  assert.equal(await locationOf('~/backups'), `${homedir()}/backups`);
  assert.equal(await locationOf('./a:b'), `${process.cwd()}/a:b`);
  assert.match(await locationOf('C:\\backups'), /C:\\backups$/); // a drive of Windows, elsewhere the name of a folder
});

test('a scheme nobody knows is refused with the ones that are known', () => {
  assert.throws(
    () => storeFromUrl('locl:/srv/backups'),
    (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.equal(error.code, 'USAGE');
      assert.equal(error.message, 'unknown scheme "locl"; did you mean "local"?');
      assert.match(error.hint ?? '', /^known are local, file, /);
      return true;
    },
  );
});

test('nothing is not the current folder', () => {
  assert.throws(() => storeFromUrl(''), /"" names no place/);
  assert.throws(() => storeFromUrl('local:'), /"local:" names no place/);
});

test('every kind that has a folder is registered, by its own name', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => existsSync(join(import.meta.dirname, name, `${name}.ts`)));
  assert.deepEqual([...storeKinds.keys()].toSorted(), folders.toSorted());
});
