import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type CouchServer, skipWithoutCouch, startCouch } from '../../../test/servers/couchdb.ts';
import { dumpOf, openCouch, restoreTo } from './testing.ts';

suite('a CouchDB without databases', { skip: (await skipWithoutCouch()) ?? false }, () => {
  let server: CouchServer;
  before(async () => {
    server = await startCouch();
  });
  after(() => server[Symbol.asyncDispose]());

  test('is a backup of none, in which nothing is wrong, and its restore says that there is nothing', async () => {
    const dumped = await dumpOf(server);
    assert.deepEqual(
      dumped.map(({ path }) => path),
      ['00-server.json'],
    );
    await using source = await openCouch(server);
    assert.deepEqual(await source.check(), []);
    const report = await restoreTo(server, dumped);
    assert.deepEqual(report.failures, []);
    assert.match(report.warnings.join(), /had no database/);
  });

  test('is an error where databases were asked for', async () => {
    await assert.rejects(dumpOf(server, { databases: ['shop_*'] }), (error) => {
      return hasCode(error, 'SOURCE_UNREACHABLE') && /fits the configuration/.test(error.message);
    });
  });
});
