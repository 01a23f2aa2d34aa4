// What PouchDB Server cannot do, on the real CouchDB that HOLDFAST_TEST_COUCHDB names.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, suite, test } from 'node:test';
import { type CouchServer, skipWithoutRealCouch, startCouch } from '../../../test/servers/couchdb.ts';
import { type CouchProxy, startCouchProxy } from '../../../test/servers/couchdb-proxy.ts';
import {
  documentsOf,
  dumpOf,
  fillWithManyKinds,
  putRevisions,
  restoreTo,
  revision,
  seenIn,
  textAt,
} from './testing.ts';

suite('a real CouchDB', { skip: skipWithoutRealCouch() ?? false }, () => {
  let server: CouchServer;
  let proxy: CouchProxy;
  before(async () => {
    server = await startCouch();
    proxy = await startCouchProxy(server);
  });
  after(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    for (const name of (await server.ask('GET', '/_all_dbs')) as string[])
      await server.ask('DELETE', `/${encodeURIComponent(name)}`);
  });

  const only = async (database: string): Promise<unknown> =>
    Object.values((await seenIn(server, [database])) as object)[0];
  const replicate = async (source: string, target: string): Promise<Record<string, unknown>> => {
    const at = (name: string) => ({
      url: `http://127.0.0.1:${server.port}/${name}`,
      auth: { basic: { username: server.user, password: server.password } },
    });
    return (await server.ask('POST', '/_replicate', { source: at(source), target: at(target) })) as Record<
      string,
      unknown
    >;
  };

  test('what is restored and then changed replicates both ways with the original, without a conflict', async () => {
    await fillWithManyKinds(server);
    await restoreTo(server, await dumpOf(server), { url: server.url('copy') }, { selection: ['shop'] });
    await server.ask('DELETE', '/copy/_design/app?rev=1-aa'); // it forbids some
    await server.ask('PUT', '/copy/here', { made: 'in the copy' });
    await server.ask('PUT', '/copy/with%2Fslash%20%3F%23%25', { _rev: '1-aa', changed: 'in the copy' });
    await server.ask('PUT', '/shop/there', { made: 'in the original' });
    const [first] = (await replicate('copy', 'shop')).history as Record<string, number>[];
    assert.equal(first?.docs_written, 3);
    const [second] = (await replicate('shop', 'copy')).history as Record<string, number>[];
    assert.equal(second?.docs_written, 1);
    const [copy, shop] = [await only('copy'), await only('shop')] as { documents: object }[];
    assert.deepEqual(copy?.documents, shop?.documents);
    const before = await server.ask('GET', '/copy/order:1?conflicts=true&deleted_conflicts=true');
    assert.deepEqual(before, {
      ...(before as object),
      _rev: '2-b2',
      _conflicts: ['2-b1'],
      _deleted_conflicts: ['3-c3'],
    });
  });

  test('a partitioned database of eight shards comes back as one, and goes on by its sequence', async () => {
    await server.ask('PUT', '/parts?partitioned=true&q=8');
    await server.ask('PUT', '/parts/_revs_limit', 77);
    await putRevisions(
      server,
      'parts',
      Array.from({ length: 300 }, (_, at) => ({ ...revision(`p${at % 7}:${at}`, 'aa'), at })),
    );
    const first = await dumpOf(server);
    await restoreTo(server, first, { url: server.url('parts_copy') });
    assert.deepEqual(await only('parts_copy'), await only('parts'));
    const made = (await server.ask('GET', '/parts_copy')) as Record<string, object>;
    assert.deepEqual([made.props, made.cluster], [{ partitioned: true }, { q: 8, n: 1, w: 1, r: 1 }]);
    assert.equal(await server.ask('GET', '/parts_copy/_revs_limit'), 77);

    await server.ask('DELETE', '/parts_copy');
    await putRevisions(server, 'parts', [{ ...revision('p1:1', 'bb', 'aa'), at: -1 }]);
    let [asked, revisions] = ['', 0];
    proxy.rule = ({ path, query, body }) => {
      if (path === '/parts/_changes') asked = query;
      if (path === '/parts/_bulk_get') revisions += JSON.parse(body.toString()).docs.length;
      return undefined;
    };
    const second = await dumpOf(proxy, {}, first);
    assert.match(asked, /since=[1-9]\d*-/);
    assert.equal(revisions, 1);
    const whole = await dumpOf(server);
    assert.equal(textAt(second, 'parts/data/all.jsonl'), textAt(whole, 'parts/data/all.jsonl'));
  });

  test('a purged document is gone from the next backup, which reads everything', async () => {
    await server.ask('PUT', '/shop');
    await putRevisions(server, 'shop', [revision('one', 'aa'), revision('two', 'aa')]);
    const first = await dumpOf(server);
    await server.ask('POST', '/shop/_purge', { one: ['1-aa'] });
    assert.deepEqual(
      documentsOf(await dumpOf(server, {}, first)).map(({ _id }) => _id),
      ['two'],
    );
  });

  test('a database that was made anew within the second that its time of creation tells is read in full', async () => {
    const make = async (...ids: readonly string[]): Promise<void> => {
      await server.ask('PUT', '/shop');
      await putRevisions(
        server,
        'shop',
        ids.map((id) => revision(id, 'aa')),
      );
    };
    await make('one', 'two');
    const first = await dumpOf(server);
    await server.ask('DELETE', '/shop');
    await make('two', 'three');
    assert.deepEqual(
      documentsOf(await dumpOf(server, {}, first))
        .map(({ _id }) => _id)
        .toSorted(),
      ['three', 'two'],
    );
  });

  test('large and compressible attachments come back with their digests, and are fetched once', async () => {
    await server.ask('PUT', '/media');
    const text = Buffer.from('compressible '.repeat(200_000));
    const bytes = randomBytes(3_000_000);
    const data = (of: Buffer, type: string) => ({
      content_type: type,
      revpos: 1,
      data: of.toString('base64'),
    });
    await putRevisions(server, 'media', [
      {
        ...revision('film', 'aa'),
        _attachments: {
          'a/b+ü .txt': data(text, 'text/plain'),
          'film.bin': data(bytes, 'application/octet-stream'),
        },
      },
      { ...revision('_design/app', 'aa'), _attachments: { 'app.js': data(text, 'application/javascript') } },
      { ...revision('film', 'bb', 'a0'), conflict: true },
    ]);
    const first = await dumpOf(server);
    const { length } = first.find(({ path }) => path.endsWith('-3000000'))?.content ?? [];
    assert.equal(length, 3_000_000);
    await restoreTo(server, first, { url: server.url('media_copy') });
    assert.deepEqual(await only('media_copy'), await only('media'));
  });

  test('local documents come back, and system databases when they are asked for', async () => {
    await server.ask('PUT', '/shop');
    await server.ask('PUT', '/shop/_local/mark', { at: 17 });
    const user = `org.couchdb.user:hf-${randomBytes(4).toString('hex')}`;
    const before = (await server.ask('PUT', `/_users/${user}`, {
      ...{ name: user.slice(17), password: 'pw', roles: ['staff'], type: 'user' },
    })) as { rev: string };
    try {
      const dumped = await dumpOf(server, {
        localDocuments: true,
        systemDatabases: ['_users', '_replicator'],
      });
      const original = await server.ask('GET', `/_users/${user}?revs=true`);
      await server.ask('DELETE', '/shop');
      await server.ask('POST', '/_users/_purge', { [user]: [before.rev] });
      await restoreTo(server, dumped, {}, { force: true });
      assert.equal(((await server.ask('GET', '/shop/_local/mark')) as { at: number }).at, 17);
      assert.deepEqual(await server.ask('GET', `/_users/${user}?revs=true`), original);
    } finally {
      await server.ask('POST', '/_users/_purge', { [user]: [before.rev] });
    }
  });
});
