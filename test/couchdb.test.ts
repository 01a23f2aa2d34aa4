// A CouchDB server through the command line: backed up by job, one document found, read out and brought back.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { commandLine } from '../src/cli/testing.ts';
import { fillWithManyKinds, putRevisions, revision, seenIn } from '../src/sources/couchdb/testing.ts';
import { type CouchServer, skipWithoutCouch, startCouch } from './servers/couchdb.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('CouchDB on the command line', { skip: (await skipWithoutCouch()) ?? false }, () => {
  const folder = temporaryFolder('cli-couchdb');
  const at = (...parts: string[]): string => join(folder, ...parts);
  const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
  let server: CouchServer;

  before(async () => {
    server = await startCouch();
    await fillWithManyKinds(server);
    mkdirSync(at('home'));
    writeFileSync(at('password'), 'secret');
    writeFileSync(at('couch-password'), server.password);
    writeFileSync(
      at('holdfast.yaml'),
      `
repositories:
  here: { store: ${at('backups')}, password: { file: ${at('password')} } }
sources:
  couch: { kind: couchdb, url: "http://127.0.0.1:${server.port}", user: ${server.user}, password: { file: ${at('couch-password')} } }
jobs:
  nightly: { backup: [couch], to: [here] }
catalog: ${at('catalog.db')}
`,
    );
    for (const name of ['password', 'couch-password', 'holdfast.yaml']) chmodSync(at(name), 0o600);
    process.env.COUCHDB_PASSWORD = server.password;
    await makeRepository(at('backups'));
    await done('backup nightly');
  });
  after(async () => {
    delete process.env.COUCHDB_PASSWORD;
    await server?.[Symbol.asyncDispose]();
  });

  const urlOf = (database = ''): string => `couchdb://${server.user}@127.0.0.1:${server.port}/${database}`;
  const { run, done } = commandLine(env);
  const only = async (database: string): Promise<unknown> =>
    Object.values((await seenIn(server, [database])) as object)[0];

  test('verify counts every revision', async () => {
    assert.match(await done('verify'), /couch: snapshot \w{8} is what was captured \(.*, 157 rows\)/);
  });

  test('a second backup stores next to nothing, and is verified as well', async () => {
    const lines = jsonLines(await done('backup nightly --json'));
    const stored = lines.find((line) => line.message_type === 'source_done');
    assert.equal(stored?.files_unmodified, 7); // documents, design documents, attachments
    await done('verify --all');
  });

  test('a document is found in the snapshots that hold it', async () => {
    await putRevisions(server, 'shop', [{ ...revision('later', 'aa'), n: 1 }]);
    await done('backup nightly');
    assert.match(
      await done('find --document order:1'),
      /shop\/data\/all\.jsonl: 2-b2, 2-b1, 3-c3 \(deleted\)\n(.|\n)*3 documents in 3 snapshots/,
    );
    assert.match(await done('find --document later'), /1 document in 1 snapshot/);
    assert.match(await done('find --document nobody'), /nothing found/);
  });

  test('a document is read out without a CouchDB', async () => {
    const lines = jsonLines(await done('dump latest --document order:1'));
    assert.deepEqual(
      lines.map(({ _rev }) => _rev),
      ['2-b2', '2-b1', '3-c3'],
    );
    assert.equal((await run('dump latest --document nobody')).status, 1);
    assert.deepEqual(jsonLines(await done('dump latest couch/shop --document gone')), [
      {
        _id: 'gone',
        _rev: '2-bb',
        _deleted: true,
        by: 'somebody',
        _revisions: { start: 2, ids: ['bb', 'aa'] },
      },
    ]);
  });

  test('a document comes back with its history and attachments, into any database', async () => {
    await done('restore latest --document picture --to', urlOf('album'));
    const [copy, original] = [await only('album'), await only('shop')] as {
      documents: Record<string, unknown>;
    }[];
    assert.deepEqual(copy?.documents, { picture: original?.documents.picture });
  });

  test('a database comes back under another name, and is refused where one is in use', async () => {
    await done('restore latest --path shop --to', urlOf('shop-copy'));
    assert.deepEqual(await only('shop-copy'), await only('shop'));
    assert.equal((await run('restore latest --path shop --to', urlOf('shop-copy'))).status, 15);
    await done('restore latest --path shop --table documents --to', urlOf('documents'));
    assert.match(JSON.stringify(await only('documents')), /bytes\.bin/);
  });

  test('into a folder, a database comes as plain files', async () => {
    await done(`restore latest --path shop --to ${at('files')}`);
    assert.match(readFileSync(at('files', 'shop', 'data', 'all.jsonl'), 'utf8'), /^\{.*"_id":".*\}\n/);
  });

  test('what the manual says of a restore without Holdfast brings everything back', {
    skip: skipWithout('curl'),
  }, async () => {
    await done(`restore latest --to ${at('back')}`);
    const manual = readFileSync(join(import.meta.dirname, '..', 'docs', 'sources', 'couchdb.md'), 'utf8');
    const [, script = ''] = /```sh\nrestic restore .*\n((?:.*\n)*?)```/.exec(manual) ?? [];
    assert.match(script, /_bulk_docs/);
    // Under another name, and on a server that is not the manual's.
    const commands = script.replaceAll('$COUCH/shop', '$COUCH/manual');
    const root = `http://127.0.0.1:${server.port}`;
    const login = `-u ${server.user}:"$PASSWORD"`;
    const { stdout } = await promisify(execFile)(
      'bash',
      ['-euc', commands.replaceAll('curl ', `curl ${login} `)],
      {
        cwd: at('back', 'shop'),
        env: { PATH: process.env.PATH, COUCH: root, PASSWORD: server.password },
      },
    );
    assert.deepEqual(
      stdout.split('\n').filter((line) => line !== ''),
      ['{"ok":true}', '[]', '[]', '{"ok":true}'],
    );
    assert.deepEqual(await only('manual'), await only('shop'));
  });

  test('a wrong password is status 13, and stands nowhere', async () => {
    writeFileSync(at('couch-password'), 'wr0ng');
    const { status, stdout, stderr } = await run('backup nightly');
    writeFileSync(at('couch-password'), server.password);
    assert.equal(status, 13);
    assert.match(stderr, /hint: check the password of admin/);
    assert.ok(!`${stdout}${stderr}`.includes('wr0ng'));
  });
});
