import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTemporaryName, temporaryName } from './temporary-name.ts';

const id = 'ab'.repeat(32);

test('an unfinished object lies beside its place, whatever the system takes for a separator', () => {
  for (const folder of ['', 'keys/', '/srv/a\\b/data/ab/', 'C:\\backups\\data\\ab\\'])
    assert.match(temporaryName(`${folder}${id}`).slice(folder.length), new RegExp(`^${id}-tmp-\\d+$`));
});

test('its name is no longer than a name may be', () => {
  const name = temporaryName(`folder/${'n'.repeat(255)}`);
  assert.ok(name.startsWith('folder/nnn') && name.length < 255);
  assert.ok(isTemporaryName(name));
});
