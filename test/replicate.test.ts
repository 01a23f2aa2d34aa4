// A second CouchDB server that keeps copies, looked after by a job: made, found anew, mended, and ended when the source is gone.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, suite, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import {
  fillWithManyKinds,
  oddName,
  putRevisions,
  revision,
  seenIn,
} from '../src/sources/couchdb/testing.ts';
import { type CouchServer, skipWithoutCouch, startCouch } from './servers/couchdb.ts';
import { type CouchProxy, startCouchProxy } from './servers/couchdb-proxy.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('replications of CouchDB', { skip: (await skipWithoutCouch()) ?? false }, () => {
  const folder = temporaryFolder('replicate');
  const at = (...parts: string[]): string => join(folder, ...parts);
  const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
  let source: CouchServer;
  let copy: CouchServer;
  /** Holdfast sees the source through it, the copying server does not. */
  let proxy: CouchProxy;
  /** The same for the copying server. */
  let copyProxy: CouchProxy;

  before(async () => {
    [source, copy] = await Promise.all([
      startCouch({ password: 'p@ss/word' }),
      startCouch({ password: 'p@ss/word' }),
    ]);
    proxy = await startCouchProxy(source);
    copyProxy = await startCouchProxy(copy);
    mkdirSync(at('home'));
    writeFileSync(at('password'), 'secret');
    writeFileSync(at('couch-password'), source.password);
    for (const name of ['password', 'couch-password']) chmodSync(at(name), 0o600);
    await fillWithManyKinds(source, { refusing: false });
  });
  after(async () => {
    for (const id of await replications()) {
      const { _rev } = (await copy.ask('GET', `/_replicator/${id}`)) as { _rev: string };
      await copy.ask('DELETE', `/_replicator/${id}?rev=${_rev}`);
    }
    await proxy?.[Symbol.asyncDispose]();
    await copyProxy?.[Symbol.asyncDispose]();
    await source?.[Symbol.asyncDispose]();
    await copy?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    proxy.rule = () => undefined;
    copyProxy.rule = () => undefined;
    configure();
  });

  const configure = (keys = ''): void => {
    const server = (port: number | string): string =>
      `kind: couchdb, url: "http://127.0.0.1:${port}", user: ${source.user}, password: { file: ${at('couch-password')} }`;
    writeFileSync(
      at('holdfast.yaml'),
      `
repositories:
  here: { store: ${at('backups')}, password: { file: ${at('password')} } }
sources:
  couch: { ${server(new URL(proxy.url()).port)} }
  copy: { ${server(new URL(copyProxy.url()).port)} }
jobs:
  standby: { replicate: couch, into: copy, from: "http://127.0.0.1:${source.port}", self: "http://127.0.0.1:${copy.port}", firstSync: 10s${keys} }
  nightly: { backup: [copy], to: [here] }
catalog: ${at('catalog.db')}
`,
    );
    chmodSync(at('holdfast.yaml'), 0o600);
  };
  const run = (words: string): Promise<Outcome> => holdfast(words.split(' '), { env });
  const done = async (words: string): Promise<Record<string, unknown>[]> => {
    const { status, stdout, stderr } = await run(`${words} --json`);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, `${words}: ${stdout}`);
    return jsonLines(stdout);
  };
  const states = (lines: readonly Record<string, unknown>[]): unknown =>
    Object.fromEntries(
      lines
        .filter(({ message_type }) => message_type === 'replication')
        .map(({ database, state }) => [database, state]),
    );
  /** PouchDB Server ends when a database is deleted that somebody follows, so this is only what Holdfast sees. */
  const seemDeleted = (name: string): void => {
    proxy.rule = ({ path }) => {
      if (path === `/${name}`)
        return { status: 404, body: '{"error":"not_found","reason":"Database does not exist."}' };
      const without = (body: Buffer): string =>
        JSON.stringify((JSON.parse(body.toString()) as string[]).filter((one) => one !== name));
      return path === '/_all_dbs' ? { change: without } : undefined;
    };
  };
  const replications = async (): Promise<string[]> => {
    const { rows } = (await copy.ask('GET', '/_replicator/_all_docs')) as { rows: { id: string }[] };
    return rows.map(({ id }) => id).filter((id) => id.startsWith('holdfast:'));
  };

  test('every database gets a copy that is in step before the run ends, its security object too', async () => {
    const all = ['empty', 'shop', oddName(source)];
    assert.deepEqual(
      states(await done('run standby')),
      Object.fromEntries(all.map((name) => [name, 'in step'])),
    );
    assert.deepEqual(await seenIn(copy, all), await seenIn(source, all));
    assert.deepEqual(
      (await replications()).toSorted(),
      all.map((name) => `holdfast:standby:${name}`).toSorted(),
    );
  });

  test('a backup of the copy is one of the source', async () => {
    await makeRepository(at('backups'));
    await done('run standby nightly');
    const { stdout } = await run('dump latest --document order:1');
    assert.deepEqual(
      jsonLines(stdout).map(({ _rev }) => _rev),
      ['2-b2', '2-b1', '3-c3'],
    );
  });

  test('a new database is found by the next run, and changes arrive by themselves', async () => {
    await source.ask('PUT', '/organisation');
    await putRevisions(source, 'organisation', [revision('first', 'aa')]);
    assert.equal((states(await done('run standby')) as Record<string, unknown>).organisation, 'in step');
    await putRevisions(source, 'organisation', [revision('second', 'aa')]);
    for (let attempt = 0; (await copy.fetch('/organisation/second')).status !== 200; attempt += 1)
      assert.ok(attempt < 2000, 'the change did not arrive');
  });

  test('of a database that was deleted the copy stays, and that is told once', async () => {
    await source.ask('PUT', '/brief');
    await putRevisions(source, 'brief', [revision('only', 'aa')]);
    await done('run standby');
    seemDeleted('brief');
    const { status, stderr } = await run('run standby --json');
    assert.equal(status, 0);
    assert.match(stderr, /brief was deleted at its source: its copy stays/);
    await done('run standby'); // and not a word of it
    assert.equal((await copy.fetch('/brief/only')).status, 200);
    assert.ok(!(await replications()).includes('holdfast:standby:brief'));
  });

  test('a server without any of the databases is not taken for one where all were deleted', async () => {
    const before = await replications();
    proxy.rule = ({ path }) => {
      if (path === '/_all_dbs') return { status: 200, body: '[]' };
      if (/^\/[^_/]+$/.test(path))
        return { status: 404, body: '{"error":"not_found","reason":"Database does not exist."}' };
      return undefined;
    };
    const { status, stderr } = await run('run standby');
    assert.equal(status, 13);
    assert.match(stderr, /none of the \d databases that are replicated is on .*\n.*the right server/);
    assert.deepEqual(await replications(), before);
    proxy.rule = () => undefined;
    await done('run standby');
  });

  test('where a deletion must be decided on, every run says so until it is', async () => {
    configure(', whenDeleted: fail');
    await source.ask('PUT', '/held');
    await done('run standby');
    seemDeleted('held');
    for (let round = 0; round < 2; round += 1) {
      const { status, stdout } = await run('run standby --json');
      assert.equal(status, 3);
      assert.match(stdout, /held was deleted at its source/);
    }
  });

  test('a replication that somebody removed is made again', async () => {
    const { _rev } = (await copy.ask('GET', '/_replicator/holdfast:standby:shop')) as { _rev: string };
    await copy.ask('DELETE', `/_replicator/holdfast:standby:shop?rev=${_rev}`);
    await done('run standby');
    assert.ok((await replications()).includes('holdfast:standby:shop'));
  });

  const revisionOf = async (id: string): Promise<string> =>
    ((await copy.ask('GET', `/_replicator/holdfast:standby:${id}`)) as { _rev: string })._rev;
  /** As CouchDB's scheduler answers: https://docs.couchdb.org/en/stable/api/server/common.html#scheduler-docs */
  const scheduled = (state: string): string =>
    JSON.stringify({
      total_rows: 1,
      offset: 0,
      docs: [
        {
          database: '_replicator',
          doc_id: 'holdfast:standby:shop',
          id: null,
          node: 'couchdb@127.0.0.1',
          source: 'http://127.0.0.1/shop/',
          target: 'http://127.0.0.1/shop/',
          state,
          info: { error: 'unauthorized: unauthorized to access or create database' },
          error_count: 1,
          last_updated: '2026-11-21T03:30:00Z',
          start_time: '2026-11-21T03:30:00Z',
          source_proxy: null,
          target_proxy: null,
        },
      ],
    });

  test('a replication that works is left alone, and one that the scheduler gave up is made again', async () => {
    const before = await revisionOf('shop');
    await done('run standby');
    assert.equal(await revisionOf('shop'), before);
    copyProxy.rule = ({ path }) =>
      path === '/_scheduler/docs/_replicator' ? { status: 200, body: scheduled('failed') } : undefined;
    await done('run standby');
    assert.notEqual(await revisionOf('shop'), before);
  });

  test('a copy that was deleted gets a replication that begins anew', async () => {
    const before = await revisionOf('shop');
    let isGone = true;
    copyProxy.rule = ({ method, path }) => {
      if (!isGone || method !== 'GET' || path !== '/shop') return undefined;
      isGone = false;
      return { status: 404, body: '{"error":"not_found","reason":"Database does not exist."}' };
    };
    await done('run standby');
    assert.notEqual(await revisionOf('shop'), before);
  });

  test('nothing of a database that was made anew comes into the copy of the old one any more', async () => {
    proxy.rule = ({ path }) => {
      if (path === '/') return { status: 200, body: '{"couchdb":"Welcome","version":"3.5.0"}' };
      const anew = (body: Buffer): string =>
        JSON.stringify({ ...JSON.parse(body.toString()), instance_start_time: '1763700000' });
      return path === '/shop' ? { change: anew } : undefined;
    };
    for (let round = 0; round < 2; round += 1) {
      const { stdout } = await run('run standby --json');
      assert.match(stdout, /shop was deleted and made anew: its copy is one of the old database/);
      assert.ok(!(await replications()).includes('holdfast:standby:shop'));
    }
    proxy.rule = () => undefined;
    await done('run standby');
  });

  test('a replication that does not work is a failure, with what the server says of it', async () => {
    await putRevisions(source, 'shop', [revision('late', 'aa')]);
    copyProxy.rule = ({ path }) => {
      if (path === '/_scheduler/docs/_replicator') return { status: 200, body: scheduled('crashing') };
      return path === '/shop/_revs_diff' ? { status: 200, body: '{"late":{"missing":["1-aa"]}}' } : undefined;
    };
    const { status, stdout } = await run('run standby --json');
    assert.equal(status, 3);
    assert.match(stdout, /the replication of shop does not work, and 1 documents are missing.*unauthorized/);
  });

  test('a database of the copying server that is no copy is not touched', async () => {
    await source.ask('PUT', '/both');
    await copy.ask('PUT', '/both');
    await putRevisions(copy, 'both', [revision('of its own', 'aa')]);
    const { status, stdout } = await run('run standby --json');
    assert.equal(status, 3);
    assert.match(stdout, /both is there already/);
    assert.ok(!(await replications()).includes('holdfast:standby:both'));
    for (const server of [source, copy]) await server.ask('DELETE', '/both');
  });

  test('nor is one that was a copy once, and has got documents of its own since', async () => {
    const known = Array.from({ length: 600 }, (_, at) => revision(`known ${at}`, 'aa'));
    for (const server of [source, copy]) {
      await server.ask('PUT', '/once');
      await putRevisions(server, 'once', known);
    }
    await putRevisions(copy, 'once', [revision('of its own', 'aa')]);
    const { status, stdout } = await run('run standby --json');
    assert.equal(status, 3);
    assert.match(stdout, /once is there already on .*, and is no copy: it has of its own/);
    for (const server of [source, copy]) await server.ask('DELETE', '/once');
  });

  test('a copying server that was never set up is told what it lacks', async () => {
    copyProxy.rule = ({ path }) =>
      path === '/_replicator/_all_docs'
        ? { status: 404, body: '{"error":"not_found","reason":"Database does not exist."}' }
        : undefined;
    const { status, stderr } = await run('run standby');
    assert.equal(status, 13);
    assert.match(stderr, /has no database _replicator\nhint: .*PUT/);
  });

  test('a server that cannot be reached is status 13, and no password is told', async () => {
    writeFileSync(at('couch-password'), 'wr0ng');
    const { status, stdout, stderr } = await run('run standby');
    writeFileSync(at('couch-password'), source.password);
    assert.equal(status, 13);
    assert.ok(!`${stdout}${stderr}`.includes('wr0ng'));
    const shown = await run('runs latest');
    assert.ok(!`${shown.stdout}${shown.stderr}`.includes('wr0ng'));
  });
});
