// Where compiled code is kept, and where it is not because somebody else could have put it there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-compiled-'));
after(() => rmSync(folder, { recursive: true }));

const makeFolder = (name: string): string => {
  mkdirSync(join(folder, name));
  return join(folder, name);
};

/** The folder that a process with this environment keeps it in; empty for none. */
const keptBy = (env: Readonly<Record<string, string>>): string => {
  const script = `
    import { getCompileCacheDir } from 'node:module';
    import { keepCompiledCode } from './compiled-code.ts';
    keepCompiledCode(process.env);
    process.stdout.write(getCompileCacheDir() ?? '');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env,
  });
  assert.equal(stderr, '');
  return stdout;
};

test('it is kept in the cache folder of the user', () => {
  const home = makeFolder('home');
  const cache = makeFolder('cache');
  assert.ok(keptBy({ HOME: home }).startsWith(join(home, '.cache', 'holdfast', 'compiled')));
  assert.ok(keptBy({ HOME: home, XDG_CACHE_HOME: cache }).startsWith(join(cache, 'holdfast', 'compiled')));
  assert.equal(keptBy({ HOME: join(folder, 'none') }), '');
});

test('it is not taken from the home of another user, which sudo may leave', {
  skip: process.getuid?.() === 0 ? false : 'needs root, to give a folder away',
}, () => {
  const home = makeFolder('other');
  chownSync(home, 54321, 54321);
  assert.equal(keptBy({ HOME: home }), '');
  assert.equal(keptBy({ HOME: makeFolder('own'), XDG_CACHE_HOME: home }), '');
});
