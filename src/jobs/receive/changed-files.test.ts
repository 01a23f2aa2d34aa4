import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Entry } from '#sources/source.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { takeFiles } from './changed-files.ts';

const folder = join(temporaryFolder('changed-files'), 'reported');

test('files can be read by those who could read them at the sender, whatever the umask', async () => {
  const file = (path: string, mode: number): Entry => ({
    ...{ path, type: 'file', meta: { mode } },
    async *content() {
      yield Buffer.from('a photo');
    },
  });
  async function* entries(): AsyncGenerator<Entry> {
    yield file('files/2026/a.jpg', 0o644);
    yield file('files/2026/b.jpg', 0o600);
    yield file('changes.json', 0o600);
  }
  const before = process.umask(0o077);
  try {
    const rest = await Array.fromAsync(takeFiles(entries(), folder, new AbortController().signal));
    assert.deepEqual(
      rest.map(({ path }) => path),
      ['changes.json'],
    );
  } finally {
    process.umask(before);
  }
  const modes = ['.', '2026', '2026/a.jpg', '2026/b.jpg'].map(
    (name) => statSync(join(folder, name)).mode & 0o777,
  );
  assert.deepEqual(modes, [0o755, 0o755, 0o644, 0o600]);
  assert.equal(readFileSync(join(folder, '2026/a.jpg'), 'utf8'), 'a photo');
});
