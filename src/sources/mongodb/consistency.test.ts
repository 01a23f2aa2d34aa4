import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { consistencyFor } from './consistency.ts';
import { factsOf } from './server-facts.ts';

const standalone = (version: string) => factsOf({}, version);
const replicaSet = (version: string) => factsOf({ setName: 'rs0' }, version);
const cluster = (version: string) => factsOf({ msg: 'isdbgrid' }, version);

test('the best that each kind and version of server can do is taken by itself', () => {
  assert.equal(consistencyFor('auto', standalone('8.0.1')), 'none');
  assert.equal(consistencyFor('auto', replicaSet('8.0.1')), 'snapshot');
  assert.equal(consistencyFor('auto', replicaSet('5.0.0')), 'snapshot');
  assert.equal(consistencyFor('auto', replicaSet('4.4.29')), 'oplog');
  assert.equal(consistencyFor('auto', cluster('7.0.0')), 'snapshot');
  assert.equal(consistencyFor('auto', cluster('4.4.0')), 'none');
});

test('what was asked for is done or refused, never replaced', () => {
  assert.equal(consistencyFor('oplog', replicaSet('8.0.1')), 'oplog');
  assert.equal(consistencyFor('none', replicaSet('8.0.1')), 'none');
  const impossible = [
    ['snapshot', standalone('8.0.1')],
    ['oplog', standalone('8.0.1')],
    ['snapshot', replicaSet('4.4.0')],
    ['oplog', cluster('8.0.1')],
  ] as const;
  for (const [wanted, facts] of impossible)
    assert.throws(
      () => consistencyFor(wanted, facts),
      (error) => hasCode(error, 'UNSUPPORTED'),
    );
});

test('servers of 8.3 and newer keep time series in one collection, by their number and not by its text', () => {
  const versions = ['7.0.0', '8.2.9', '8.3.0', '8.10.1', '10.0.0'];
  assert.deepEqual(
    versions.map((version) => replicaSet(version).hasRawData),
    [false, false, true, true, true],
  );
});
