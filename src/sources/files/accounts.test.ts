import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { localAccounts } from './accounts.ts';
import { temporaryFolder } from './testing.ts';

test('names go with their numbers, the first line counts, and odd lines do no harm', () => {
  using folder = temporaryFolder();
  const passwd = join(folder.path, 'passwd');
  writeFileSync(
    passwd,
    'root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n+::::::\n\nanna:x:1000:1000::/home/anna:/bin/sh\nbad:x:y\n',
  );
  const accounts = localAccounts(passwd, '/nowhere/group');
  assert.deepEqual([0, 1000, 7].map(accounts.user), ['root', 'anna', undefined]);
  assert.equal(accounts.group(0), undefined);
});
