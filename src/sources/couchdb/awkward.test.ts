import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { mapOrdered } from '#lib/concurrency.ts';
import { hasCode } from '#lib/errors.ts';
import { type CouchServer, skipWithoutCouch, startCouch } from '../../../test/servers/couchdb.ts';
import { documentsOf, dumpOf, openCouch, putRevisions, restoreTo, revision, textAt } from './testing.ts';

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

suite('a CouchDB of many databases', { skip: (await skipWithoutCouch()) ?? false }, () => {
  const names = Array.from({ length: 200 }, (_, number) => `many_${number}`);
  let server: CouchServer;
  before(async () => {
    server = await startCouch();
    const fill = async (name: string): Promise<void> => {
      await server.ask('PUT', `/${name}`);
      await server.ask('PUT', `/${name}/one`, { of: name });
    };
    for await (const _ of mapOrdered(names, 8, fill));
  });
  after(() => server[Symbol.asyncDispose]());

  test('is backed up whole, and each database comes back', async () => {
    const dumped = await dumpOf(server);
    assert.equal(documentsOf(dumped).length, names.length);
    await using empty = await startCouch();
    const report = await restoreTo(empty, dumped);
    assert.deepEqual(report.failures, []);
    const there = new Set((await empty.ask('GET', '/_all_dbs')) as string[]);
    assert.deepEqual(
      names.filter((name) => !there.has(name)),
      [],
    );
    const last = (await empty.ask('GET', `/${names.at(-1)}/one`)) as { readonly of: string };
    assert.equal(last.of, names.at(-1));
  });
});

suite('names of nothing but dots', { skip: (await skipWithoutCouch()) ?? false }, () => {
  const names = ['.', '..', '...'];
  let server: CouchServer;
  before(async () => {
    server = await startCouch();
    await server.ask('PUT', '/dots');
    const attachment = (name: string) => ({
      content_type: 'text/plain',
      revpos: 1,
      data: Buffer.from(`in ${name}`).toString('base64'),
    });
    await putRevisions(
      server,
      'dots',
      names.map((name) => ({
        ...revision(name, 'aa'),
        _attachments: Object.fromEntries(names.map((other) => [other, attachment(`${name}${other}`)])),
      })),
    );
  });
  after(() => server[Symbol.asyncDispose]());

  test('are those of documents and attachments like others', async () => {
    const dumped = await dumpOf(server);
    const attachments = dumped.filter(({ path }) => path.startsWith('dots/data/all/'));
    assert.deepEqual(
      new Set(attachments.map(({ content }) => String(content))),
      new Set(names.flatMap((name) => names.map((other) => `in ${name}${other}`))),
    );
    await using empty = await startCouch();
    assert.deepEqual((await restoreTo(empty, dumped)).failures, []);
    assert.equal(textAt(await dumpOf(empty), 'dots/data/all.jsonl'), textAt(dumped, 'dots/data/all.jsonl'));
  });
});
