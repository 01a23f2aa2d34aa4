import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { type CouchServer, skipWithoutCouch, startCouch } from '../../../test/servers/couchdb.ts';
import { type CouchProxy, startCouchProxy } from '../../../test/servers/couchdb-proxy.ts';
import type { CapturedEntry } from '../testing.ts';
import { databasePath } from './layout.ts';
import {
  documentsOf,
  dumpOf,
  fillWithManyKinds,
  oddName,
  putRevisions,
  restoreTo,
  revision,
} from './testing.ts';

suite('later backups of CouchDB', { skip: (await skipWithoutCouch()) ?? false }, () => {
  let server: CouchServer;
  let proxy: CouchProxy;
  before(async () => {
    server = await startCouch();
    proxy = await startCouchProxy(server);
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    proxy.rule = () => undefined;
    for (const name of (await server.ask('GET', '/_all_dbs')) as string[])
      if (!name.startsWith('_')) await server.ask('DELETE', `/${encodeURIComponent(name)}`);
  });

  const dump = async (previous?: readonly CapturedEntry[]): Promise<CapturedEntry[]> => {
    proxy.requests();
    return await dumpOf(proxy, {}, previous);
  };
  const rewritten = (entries: readonly CapturedEntry[]): string[] =>
    entries
      .filter(({ path, type, unchanged }) => type === 'file' && !unchanged && /\/(data|design)/.test(path))
      .map(({ path }) => path);
  const fetches = (): string[] => proxy.requests().filter((request) => /_bulk_get|md5|picture/.test(request));
  /** Contents by path, but for the files that say when they were made or from where the next backup goes on. */
  const state = (entries: readonly CapturedEntry[]): Record<string, string> =>
    Object.fromEntries(
      entries
        .filter(({ path }) => !/(manifest\.json|index\.jsonl)$/.test(path))
        .map(({ path, content }) => [path, Buffer.from(content ?? []).toString('latin1')]),
    );

  test('nothing is fetched again when nothing changed, and the snapshot is complete all the same', async () => {
    await fillWithManyKinds(server);
    const first = await dump();
    const second = await dump(first);
    assert.deepEqual(fetches(), []);
    assert.deepEqual(rewritten(second), []);
    assert.deepEqual(state(second), state(first));
  });

  test('after any change the snapshot is the one that a full backup would make', async () => {
    await fillWithManyKinds(server);
    const first = await dump();
    await putRevisions(server, 'shop', [
      { ...revision('order:1', 'c1', 'b1', 'a1'), total: 14 },
      {
        ...revision('new', 'aa'),
        _attachments: { a: { content_type: 'text/plain', data: Buffer.from('new').toString('base64') } },
      },
      { ...revision('with/slash ?#%', 'bb', 'aa'), _deleted: true },
      { ...revision('picture', 'cc', 'bb', 'aa'), only: 'this, no attachments' },
      { ...revision('_design/second', 'aa'), views: {} },
    ]);
    const second = await dump(first);
    const [bulkGets] = [proxy.requests().filter((request) => request.includes('_bulk_get'))];
    assert.ok(bulkGets.every((request) => request === 'POST /shop/_bulk_get'));
    assert.deepEqual(state(second), state(await dump()));
    assert.deepEqual(
      second.filter(
        ({ path, type, unchanged }) =>
          type === 'file' && unchanged && path.startsWith(databasePath(oddName(server))),
      ).length,
      1,
      'the other database is carried over',
    );
  });

  test('of many documents only the files with changes are rewritten', async () => {
    await server.ask('PUT', '/many');
    const some = Array.from({ length: 2500 }, (_, at) => ({ ...revision(`doc-${at}`, 'aa'), at }));
    await putRevisions(server, 'many', some);
    const first = await dump();
    assert.equal(first.filter(({ path }) => /^many\/data\/[0-9a-f]\.jsonl$/.test(path)).length, 16);
    await putRevisions(server, 'many', [{ ...revision('doc-7', 'bb', 'aa'), at: -7 }]);
    const second = await dump(first);
    assert.equal(rewritten(second).length, 1);
    assert.deepEqual(state(second), state(await dump()));
    assert.equal(documentsOf(second).length, 2500);
  });

  test('documents of many files are restored together, in the order of their ids', async () => {
    await server.ask('PUT', '/many');
    const ids = Array.from({ length: 2500 }, (_, at) => `doc-${at}`);
    await putRevisions(
      server,
      'many',
      ids.map((id) => revision(id, 'aa')),
    );
    const entries = await dump();
    await server.ask('DELETE', '/many');
    const written: string[][] = [];
    proxy.rule = ({ path, body }) => {
      if (path === '/many/_bulk_docs')
        written.push((JSON.parse(body.toString()) as { docs: { _id: string }[] }).docs.map(({ _id }) => _id));
      return undefined;
    };
    await restoreTo(proxy, entries);
    const batches = written.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
    assert.equal(batches.length, 5);
    assert.deepEqual(batches.flat(), ids.sort());
  });

  test('a database that was deleted and made anew is read in full', async () => {
    await server.ask('PUT', '/shop');
    await putRevisions(server, 'shop', [revision('old', 'aa'), revision('older', 'aa')]);
    const first = await dump();
    await server.ask('DELETE', '/shop');
    await server.ask('PUT', '/shop');
    for (let at = 0; at < 5; at += 1) await putRevisions(server, 'shop', [revision(`new-${at}`, 'bb')]);
    const second = await dump(first);
    assert.deepEqual(
      documentsOf(second)
        .map(({ _id }) => _id)
        .toSorted(),
      ['new-0', 'new-1', 'new-2', 'new-3', 'new-4'],
    );
  });

  test('a database in which documents were purged is read in full', async () => {
    await server.ask('PUT', '/shop');
    await putRevisions(server, 'shop', [revision('one', 'aa'), revision('two', 'aa')]);
    const first = await dump();
    proxy.rule = ({ path }) =>
      path === '/shop'
        ? { change: (body) => JSON.stringify({ ...JSON.parse(body.toString()), purge_seq: '1-g1AAAA' }) }
        : undefined;
    await dump(first);
    assert.ok(proxy.requests().includes('POST /shop/_bulk_get'));
  });

  test('a database that counts other documents than it should is read in full', async () => {
    await server.ask('PUT', '/shop');
    await putRevisions(server, 'shop', [revision('one', 'aa'), revision('two', 'aa')]);
    const first = await dump();
    proxy.rule = ({ path }) =>
      path === '/shop'
        ? { change: (body) => JSON.stringify({ ...JSON.parse(body.toString()), doc_count: 1 }) }
        : undefined;
    await dump(first);
    assert.ok(proxy.requests().includes('POST /shop/_bulk_get'));
  });

  test('a file that the last snapshot lost is made anew', async () => {
    await fillWithManyKinds(server);
    const first = await dump();
    const damaged = first.filter(({ path }) => !path.includes('shop/data/all/md5-2416'));
    const second = await dump(damaged);
    assert.deepEqual(state(second), state(first));
  });

  test('a revision that was compacted away meanwhile is replaced by what the document is now', async () => {
    await server.ask('PUT', '/shop');
    await putRevisions(server, 'shop', [
      { ...revision('one', 'bb', 'aa'), now: true },
      revision('gone', 'aa'),
    ]);
    proxy.rule = ({ path }) =>
      path === '/shop/_changes'
        ? { change: (body) => body.toString().replace('2-bb', '1-aa').replace('"gone"', '"purged"') }
        : undefined;
    const documents = documentsOf(await dump());
    assert.deepEqual(
      documents.map(({ _id, _rev }) => [_id, _rev]),
      [['one', '2-bb']],
    );
  });

  test('a document that is answered 404 for another reason than its own, or whose revision cannot be read, is told and not left out', async () => {
    await server.ask('PUT', '/shop');
    await putRevisions(server, 'shop', [revision('one', 'aa'), revision('two', 'aa')]);
    const refused = '[{"error":{"id":"one","rev":"1-aa","error":"internal_error"}}]';
    for (const [status, body] of [
      [404, '{"error":"not_found","reason":"no_db_file"}'],
      [404, '{"message":"no Route matched with those values"}'],
      [200, refused],
      [200, '[{"missing":"1-aa"}]'],
    ] as const) {
      proxy.rule = ({ path }) => {
        if (path === '/shop/one') return { status, body };
        return path === '/shop/_bulk_get'
          ? { change: (answer) => answer.toString().replaceAll(/"ok":(?=\{[^{}]*"_id":"one")/g, '"no":') }
          : undefined;
      };
      const dumped = await dump();
      assert.deepEqual(
        dumped.flatMap(({ path, failed }) => (failed ? [path] : [])),
        ['shop/data/all/one'],
        body,
      );
      assert.deepEqual(
        documentsOf(dumped).map(({ _id }) => _id),
        ['two'],
      );
    }
  });

  test('what something before the server answers in its place is asked for again', async () => {
    await server.ask('PUT', '/shop');
    await putRevisions(server, 'shop', [revision('one', 'aa')]);
    for (const status of [200, 404]) {
      const strange = new Set(status === 200 ? ['/_all_dbs', '/shop', '/shop/_changes'] : ['/shop']);
      proxy.rule = ({ path }) =>
        strange.delete(path)
          ? { status, body: '{"message":"no Route matched with those values"}' }
          : undefined;
      assert.equal(documentsOf(await dump()).length, 1);
      assert.equal(strange.size, 0);
    }
  });
});
