import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from './make-folder.ts';

test('what is missing is made, and told, the uppermost first', () => {
  const top = mkdtempSync(join(tmpdir(), 'holdfast-make-folder-'));
  try {
    assert.deepEqual(makeFolder(join(top, 'a', 'b'), 0o700), [join(top, 'a'), join(top, 'a', 'b')]);
    assert.deepEqual(makeFolder(join(top, 'a', 'b'), 0o700), []);
    assert.equal(statSync(join(top, 'a')).mode & 0o777, 0o700);
    writeFileSync(join(top, 'file'), '');
    assert.throws(() => makeFolder(join(top, 'file'), 0o700), { code: 'EEXIST' });
    assert.throws(() => makeFolder(join(top, 'file', 'x'), 0o700), { code: 'ENOTDIR' });
  } finally {
    rmSync(top, { recursive: true });
  }
});

test('a place where no folder can be made is an error, not an endless loop', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, () => {
  assert.throws(() => makeFolder('/proc/none/below', 0o700), { code: 'ENOENT' });
});
