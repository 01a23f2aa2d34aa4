import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type CouchServer, skipWithoutCouch, startCouch } from '../../../test/servers/couchdb.ts';
import type { Entry } from '../source.ts';
import { type CapturedEntry, intoEmpty } from '../testing.ts';
import {
  dumpOf,
  fillWithManyKinds,
  openCouch,
  putRevisions,
  restoreTo,
  revision,
  seenIn,
} from './testing.ts';

suite('restores into CouchDB', { skip: (await skipWithoutCouch()) ?? false }, () => {
  let server: CouchServer;
  let dumped: readonly CapturedEntry[];
  before(async () => {
    server = await startCouch();
    await fillWithManyKinds(server);
    dumped = await dumpOf(server);
  });
  after(async () => await server[Symbol.asyncDispose]());
  beforeEach(async () => {
    for (const name of (await server.ask('GET', '/_all_dbs')) as string[])
      if (/copy|other/.test(name)) await server.ask('DELETE', `/${name}`);
  });

  const whole = { selection: ['shop'] };
  const one = (id: string) => ({ selection: ['shop/data/all.jsonl', 'shop/data/all'], records: [id] });
  const seen = async (name: string): Promise<unknown> =>
    Object.values((await seenIn(server, [name])) as object)[0];
  const document = async (name: string, id: string): Promise<Record<string, unknown>> =>
    (await (
      await server.fetch(`/${name}/${encodeURIComponent(id)}?revs=true&conflicts=true`)
    ).json()) as Record<string, unknown>;

  test('one database goes under another name, by the URL or by a rename', async () => {
    await restoreTo(server, dumped, { url: server.url('copy') }, whole);
    await restoreTo(server, dumped, {}, { ...whole, rename: [['shop', 'other']] });
    assert.deepEqual(await seen('copy'), await seen('shop'));
    assert.deepEqual(await seen('other'), await seen('shop'));
  });

  test('what is restored replicates with the original without a conflict', async () => {
    await restoreTo(server, dumped, { url: server.url('copy') }, whole);
    const { results } = (await server.ask('GET', '/shop/_changes?style=all_docs')) as {
      results: { id: string; changes: { rev: string }[] }[];
    };
    const revisions = Object.fromEntries(
      results.map(({ id, changes }) => [id, changes.map(({ rev }) => rev)]),
    );
    assert.deepEqual(await server.ask('POST', '/copy/_revs_diff', revisions), {});
  });

  test('users that were deleted since stay so, which is told, and come back one by one', async () => {
    const id = 'org.couchdb.user:copied';
    const [{ rev }] = (await server.ask('POST', '/_users/_bulk_docs', {
      docs: [{ _id: id, name: 'copied', password: 'pw', roles: [], type: 'user' }],
    })) as [{ rev: string }];
    const users = await dumpOf(server, { databases: ['_users'], systemDatabases: ['_users'] });
    const { rev: last } = (await server.ask('DELETE', `/_users/${id}?rev=${rev}`)) as { rev: string };
    const { warnings } = await restoreTo(server, users, {}, { force: true });
    assert.match(
      warnings.join(),
      /_users that were deleted .* stay so; .*--document: org\.couchdb\.user:copied/,
    );
    const back = { selection: ['_users/data/all.jsonl', '_users/data/all'], records: [id] };
    await restoreTo(server, users, {}, back);
    const { _rev: now, name } = (await server.ask('GET', `/_users/${id}`)) as Record<string, string>;
    assert.equal(name, 'copied');
    assert.notEqual(now, last);
    await server.ask('DELETE', `/_users/${id}?rev=${now}`);
  });

  test('a database in use is refused, and replaced when told', async () => {
    await server.ask('PUT', '/copy');
    await putRevisions(server, 'copy', [revision('own', 'aa')]);
    await assert.rejects(restoreTo(server, dumped, { url: server.url('copy') }, whole), (error) =>
      hasCode(error, 'TARGET_NOT_EMPTY'),
    );
    await restoreTo(server, dumped, { url: server.url('copy') }, { ...whole, force: true });
    assert.deepEqual(await seen('copy'), await seen('shop'));
  });

  test('a database that was begun does not stay when the restore fails', async () => {
    const damaged = dumped.map((entry) =>
      entry.path === 'shop/data/all.jsonl'
        ? { ...entry, content: entry.content?.subarray(0, -200) ?? new Uint8Array() }
        : entry,
    );
    await assert.rejects(restoreTo(server, damaged, { url: server.url('copy') }, whole));
    assert.equal((await server.fetch('/copy')).status, 404);
  });

  test('a document that lacks an attachment is named, and the others are restored', async () => {
    const damaged = dumped.filter(({ path }) => !path.includes('data/all/md5-2416'));
    const { failures } = await restoreTo(server, damaged, { url: server.url('copy') }, whole);
    assert.deepEqual(
      failures.map(({ path }) => path),
      ['shop/data/all.jsonl: picture'],
    );
    assert.equal((await server.fetch('/copy/with%2Fslash%20%3F%23%25')).status, 200);
  });

  test('one document comes back with its history, its conflicts and its attachments', async () => {
    for (const id of ['order:1', 'picture']) {
      await restoreTo(server, dumped, { url: server.url('copy') }, one(id));
      assert.deepEqual(await document('copy', id), await document('shop', id));
    }
    const { total_rows } = (await server.ask('GET', '/copy/_all_docs')) as { total_rows: number };
    assert.equal(total_rows, 2);
  });

  test('contents that come only once, in their order, are enough', async () => {
    await using target = await openCouch(server, { url: server.url('copy') });
    let open: string | undefined;
    const once = async function* (): AsyncGenerator<Entry> {
      for (const { path, type, meta, content } of dumped) {
        open = path;
        const read = function* () {
          assert.equal(open, path, 'the stream has gone on');
          yield content ?? new Uint8Array();
        };
        yield content ? { path, type, meta, content: read } : { path, type, meta };
      }
    };
    const report = await target.restore(once(), { ...intoEmpty, ...whole, sequential: true });
    assert.deepEqual(report.failures, []);
    assert.deepEqual(await seen('copy'), await seen('shop'));
  });

  test('a document that is not in the backup is told so', async () => {
    await assert.rejects(restoreTo(server, dumped, { url: server.url('copy') }, one('nobody')), (error) =>
      hasCode(error, 'PATH_UNKNOWN'),
    );
  });

  test('a document that was deleted since comes back as a new revision', async () => {
    await restoreTo(server, dumped, { url: server.url('copy') }, whole);
    const { _rev } = await document('copy', 'picture');
    await server.ask('DELETE', `/copy/picture?rev=${_rev}`);
    const { warnings } = await restoreTo(server, dumped, { url: server.url('copy') }, one('picture'));
    const { _attachments, _rev: now } = await document('copy', 'picture');
    assert.equal(Object.keys(_attachments as object).length, 4);
    assert.match(String(now), /^3-/);
    assert.equal(warnings.length, 1);
  });

  test('a document that was changed since is refused, and put on top when told', async () => {
    await restoreTo(server, dumped, { url: server.url('copy') }, whole);
    const { _rev } = await document('copy', 'with/slash ?#%');
    await server.ask('PUT', '/copy/with%2Fslash%20%3F%23%25', { _rev, n: 'spoilt' });
    const again = (force: boolean) =>
      restoreTo(server, dumped, { url: server.url('copy') }, { ...one('with/slash ?#%'), force });
    await assert.rejects(again(false), (error) => hasCode(error, 'TARGET_NOT_EMPTY'));
    await again(true);
    const { _rev: now, n } = await document('copy', 'with/slash ?#%');
    assert.deepEqual(n, [1, -0.5, 1e21, true, null, {}]);
    assert.match(String(now), /^3-/);
  });

  test('a rename of a database that is not there is refused', async () => {
    await assert.rejects(restoreTo(server, dumped, {}, { ...whole, rename: [['shp', 'copy']] }), (error) =>
      hasCode(error, 'USAGE'),
    );
  });
});
