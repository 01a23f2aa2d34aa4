// Who the user is, also where the system does not know him.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { expandHome, homeFolder, userName } from './home.ts';

test('a user has a name, and ~ is his home folder', () => {
  assert.notEqual(userName(), '');
  assert.equal(expandHome('~/a/b'), `${homeFolder()}/a/b`);
  assert.equal(expandHome('/a/~/b'), '/a/~/b');
});

test('a number without a name, as containers have it, is a user too', {
  skip: process.getuid?.() === 0 ? false : 'needs root, to become another user',
}, () => {
  const script = `
      import { homeFolder, userName } from './home.ts';
      import { keepCompiledCode } from './compiled-code.ts';
      process.setuid(54321);
      delete process.env.HOME;
      keepCompiledCode(process.env);
      console.log(homeFolder(), userName());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  assert.equal(stdout, '/ 54321\n', stderr);
});
