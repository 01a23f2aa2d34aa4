import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { hasCode } from './errors.ts';
import { machineName } from './machine-name.ts';

test('a machine has its own name, or the one that it is given', () => {
  assert.equal(machineName({}), hostname());
  assert.equal(machineName({ HOLDFAST_HOST: '' }), hostname());
  assert.equal(machineName({ HOLDFAST_HOST: 'web-1.example.net' }), 'web-1.example.net');
  for (const HOLDFAST_HOST of ['two words', '../up', 'line\nbreak', 'x'.repeat(254)])
    assert.throws(
      () => machineName({ HOLDFAST_HOST }),
      (error) => hasCode(error, 'USAGE'),
    );
});
