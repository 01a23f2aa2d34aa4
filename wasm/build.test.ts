import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { buildModule, modulePath } from './build.ts';

test('the checked-in module is what the sources in wasm/assembly compile to', async () => {
  assert.equal(
    await readFile(modulePath, 'utf8'),
    await buildModule(),
    'run `npm run wasm` and commit the result',
  );
});
