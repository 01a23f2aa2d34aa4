import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { jumpingClock } from '#lib/testing.ts';
import { type CouchServer, skipWithoutCouch, startCouch } from '../../../test/servers/couchdb.ts';
import { type CouchProxy, startCouchProxy } from '../../../test/servers/couchdb-proxy.ts';
import { capture } from '../testing.ts';
import {
  documentsOf,
  dumpOf,
  fillWithManyKinds,
  openCouch,
  putRevisions,
  restoreTo,
  revision,
  textAt,
} from './testing.ts';

suite('backups of CouchDB', { skip: (await skipWithoutCouch()) ?? false }, () => {
  let server: CouchServer;
  let proxy: CouchProxy;
  before(async () => {
    server = await startCouch();
    proxy = await startCouchProxy(server);
    await fillWithManyKinds(server);
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    proxy.rule = () => undefined;
  });

  const throughProxy = async (config: Readonly<Record<string, unknown>> = {}) => {
    await using source = await openCouch(proxy, config, { clock: jumpingClock() });
    return await capture(source, undefined, source.concurrency);
  };
  const paths = async (config: Readonly<Record<string, unknown>>): Promise<string[]> =>
    (await dumpOf(server, config))
      .filter(({ type }) => type === 'dir')
      .map(({ path }) => path)
      .filter((path) => !path.includes('/'));

  test('databases are chosen by name and pattern when the backup runs', async () => {
    assert.deepEqual(await paths({ databases: ['sh?p', 'emp*'] }), ['empty', 'shop']);
    assert.deepEqual(await paths({ excludeDatabases: ['a*', 'empty'] }), ['shop']);
    assert.deepEqual(await paths({ databases: ['shop'], systemDatabases: ['_users'] }), ['_users', 'shop']);
    assert.deepEqual(await paths({ url: server.url('shop') }), ['shop']);
  });

  test('a database that is not there fails the source, and says its name', async () => {
    await assert.rejects(dumpOf(server, { databases: ['shop', 'shoop'] }), (error) => {
      return hasCode(error, 'SOURCE_UNREACHABLE') && error.message.includes('shoop');
    });
  });

  test('a wrong password is told as such, and not repeated', async () => {
    await assert.rejects(dumpOf({ url: () => server.url('shop', 'wr0ng') }), (error) => {
      return (
        hasCode(error, 'SOURCE_DENIED') &&
        error.hint?.includes(server.user) === true &&
        !error.message.includes('wr0ng')
      );
    });
  });

  test('a database that may not be read is named, and the others are backed up', async () => {
    proxy.rule = ({ path }) =>
      path.startsWith('/shop')
        ? { status: 403, body: '{"error":"forbidden","reason":"You are not allowed to access this db."}' }
        : undefined;
    const failed = (await throughProxy()).filter(({ failed: error }) => error);
    assert.deepEqual(
      failed.map(({ path }) => path),
      ['shop'],
    );
    assert.match(failed[0]?.failed?.message ?? '', /admin may not read the database shop.*not allowed/);
    await assert.rejects(throughProxy({ databases: ['shop'] }), (error) => hasCode(error, 'SOURCE_DENIED'));
  });

  test('answers that break off, and refusals that pass, are asked for again', async () => {
    const original = textAt(await dumpOf(server), 'shop/data/all.jsonl');
    const failed = new Set<string>();
    const twists = [
      { breakAfter: 40 },
      { status: 429, headers: { 'retry-after': '7' } },
      { status: 503 },
      { breakAfter: 0 },
    ];
    proxy.rule = ({ method, path }) => {
      if (failed.has(`${method} ${path}`)) return undefined;
      failed.add(`${method} ${path}`);
      return twists[failed.size % twists.length];
    };
    assert.equal(textAt(await throughProxy(), 'shop/data/all.jsonl'), original);
    assert.ok(failed.size > 10);
  });

  test('a server that always breaks off within documents fails the backup', async () => {
    proxy.rule = ({ path }) => (path.endsWith('_bulk_get') ? { breakAfter: 100 } : undefined);
    await assert.rejects(throughProxy(), (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
  });

  test('what answers in the place of the server is never a part of the backup', async () => {
    const error = '{"error":"unknown_error","reason":"function_clause"}';
    for (const [part, body] of [
      ['_security', error],
      ['_security', 'null'],
      ['_security', '[]'],
      ['_revs_limit', error],
      ['_revs_limit', '{}'],
      ['_changes', 'null'],
      ['_changes', error],
      ['_bulk_get', error],
    ] as const) {
      proxy.rule = ({ path }) => (path === `/shop/${part}` ? { status: 200, body } : undefined);
      await assert.rejects(
        throughProxy({ databases: ['shop'] }),
        (failure) => hasCode(failure, 'SOURCE_UNREACHABLE'),
        `${part}: ${body}`,
      );
    }
    proxy.rule = () => ({
      status: 302,
      headers: { location: 'https://login.example.net/?token=x' },
      body: '',
    });
    await assert.rejects(
      throughProxy(),
      (failure) =>
        hasCode(failure, 'SOURCE_UNREACHABLE') &&
        /302, the answer is at https:\/\/login\.example\.net\/$/.test(failure.message),
    );
  });

  test('an attachment that cannot be unpacked is a failed item', async () => {
    proxy.rule = ({ path }) =>
      path.endsWith('/same') ? { change: (body) => body.subarray(0, body.length >> 1) } : undefined;
    await assert.rejects(
      throughProxy({ databases: ['shop'] }),
      (error) => hasCode(error, 'ITEM_UNREADABLE') && /attachment same of picture/.test(error.message),
    );
  });

  test('an attachment that is not what its digest says is a failed item, not a backup', async () => {
    proxy.rule = ({ path }) =>
      path.endsWith('bytes.bin') ? { change: (body) => Buffer.from(body).fill(1, 5, 6) } : undefined;
    await assert.rejects(throughProxy({ databases: ['shop'] }), (error) => hasCode(error, 'ITEM_UNREADABLE'));
  });

  test('a document that the server cannot read is named, and the others are backed up', async () => {
    proxy.rule = ({ path, body }) => {
      if (path === '/shop/picture') return { status: 400, body: '{"error":"badarg","reason":"damaged"}' };
      if (path !== '/shop/_bulk_get' || !body.includes('picture')) return undefined;
      return {
        change: (answer) => {
          const { results } = JSON.parse(answer.toString()) as { results: { id: string; docs: unknown[] }[] };
          const error = { id: 'picture', rev: '1-aa', error: 'internal_fabric_error', reason: 'badarg' };
          for (const result of results) if (result.id === 'picture') result.docs = [{ error }];
          return JSON.stringify({ results });
        },
      };
    };
    const entries = await throughProxy({ databases: ['shop'] });
    assert.deepEqual(
      entries.filter(({ failed }) => failed).map(({ path }) => path),
      ['shop/data/all/picture'],
    );
    assert.match(textAt(entries, 'shop/manifest.json'), /1 documents could not be read/);
    assert.equal(
      documentsOf(entries).some(({ _id }) => _id === 'order:1'),
      true,
    );
  });

  test('what is no CouchDB is not taken for one', async () => {
    proxy.rule = () => ({ status: 200, body: '{"hello":"world"}' });
    await assert.rejects(throughProxy(), (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
  });

  test('a document of 8 MB with 40 attachments goes there and back', async () => {
    await server.ask('PUT', '/large');
    const attachments = Array.from({ length: 40 }, (_, at) => {
      const data = Buffer.alloc(20_000, `${at} `).toString('base64');
      return [`part ${at}`, { content_type: 'application/octet-stream', revpos: 1, data }] as const;
    });
    const text = 'a "quoted" line\n'.repeat(7_900_000 / 18);
    await putRevisions(server, 'large', [
      { ...revision('big', 'aa'), text, _attachments: Object.fromEntries(attachments) },
    ]);
    // With the digests of its attachments.
    const original = await server.ask('GET', '/large/big?revs=true');
    const entries = await dumpOf(server, { url: server.url('large') });
    assert.equal(entries.filter(({ path }) => path.startsWith('large/data/all/md5')).length, 40);
    await server.ask('DELETE', '/large');
    await restoreTo(server, entries);
    assert.deepEqual(await server.ask('GET', '/large/big?revs=true'), original);
    await server.ask('DELETE', '/large');
  });

  test('check names what is wrong', async () => {
    proxy.rule = ({ path }) => (path === '/shop/_changes' ? { status: 403 } : undefined);
    await using source = await openCouch(proxy);
    const findings = await source.check();
    assert.deepEqual(
      findings.map(({ level, subject }) => [level, subject]),
      [['error', 'database shop']],
    );
  });
});
