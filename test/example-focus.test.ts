// docs/examples/focus, from end to end, on two CouchDB servers.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openDueTimes } from '#catalog/due-times.ts';
import { loadConfig } from '#config/config.ts';
import { scheduledJob, scheduleKey } from '#jobs/schedule.ts';
import { systemClock } from '#lib/clock.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { putRevisions, revision, seenIn } from '../src/sources/couchdb/testing.ts';
import { type CouchServer, skipWithoutCouch, startCouch } from './servers/couchdb.ts';
import { type CouchProxy, startCouchProxy } from './servers/couchdb-proxy.ts';
import { jsonLines } from './tools/cli.ts';
import { hastenKey } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const config = join(import.meta.dirname, '../docs/examples/focus/holdfast.yaml');
const day = 86_400_000;

suite('the example of focus-monitor', { skip: (await skipWithoutCouch()) ?? false }, () => {
  const folder = temporaryFolder('focus');
  const at = (name: string): string => join(folder, name);
  let source: CouchServer;
  let copy: CouchServer;
  /** Through it everybody sees the source. */
  let proxy: CouchProxy;
  let aheadMs = 0;
  let env: Record<string, string> = {};

  before(async () => {
    [source, copy] = await Promise.all([
      startCouch({ password: 'p@ss/word' }),
      startCouch({ password: 'p@ss/word' }),
    ]);
    proxy = await startCouchProxy(source);
    for (const name of ['couch', 'copy']) writeFileSync(at(name), source.password, { mode: 0o600 });
    writeFileSync(at('vault.key'), 'secret', { mode: 0o600 });
    env = {
      COUCH_URL: `http://127.0.0.1:${new URL(proxy.url()).port}`,
      COUCH_USER: source.user,
      COUCH_PASSWORD_FILE: at('couch'),
      COPY_URL: `http://127.0.0.1:${copy.port}`,
      COPY_USER: copy.user,
      COPY_PASSWORD_FILE: at('copy'),
      VAULT: at('vault'),
      VAULT_PASSWORD_FILE: at('vault.key'),
      HOLDFAST_CATALOG: at('catalog.db'),
      HOME: at('home'),
    };
    await source.ask('PUT', '/alpha');
    await putRevisions(source, 'alpha', [
      { ...revision('order:1', 'b1', 'a1'), total: 12 },
      { ...revision('order:1', 'b2', 'a1'), total: 13, lost: 'the conflict' },
      { ...revision('gone', 'bb', 'aa'), _deleted: true },
      {
        ...revision('picture', 'aa'),
        _attachments: {
          'a.txt': { content_type: 'text/plain', data: Buffer.from('hello').toString('base64') },
        },
      },
    ]);
    await source.ask('PUT', '/alpha/_security', {
      admins: { names: [], roles: [] },
      members: { names: ['ann'], roles: [] },
    });
    await source.ask('PUT', '/_users/org.couchdb.user:ann', {
      name: 'ann',
      password: 'kelp',
      roles: ['staff'],
      type: 'user',
    });
    await done('init');
    await hastenKey(at('vault'));
  });
  after(async () => {
    await tidy();
    for (const server of [proxy, source, copy]) await server?.[Symbol.asyncDispose]();
  });

  /** A real server outlives the test, and its system databases with it. */
  const tidy = async (): Promise<void> => {
    for (const database of ['_replicator', '_users']) {
      const { rows } = (await copy.ask('GET', `/${database}/_all_docs`)) as {
        rows: { id: string; value: { rev: string } }[];
      };
      for (const { id, value } of rows)
        if (/^holdfast:standby:|^org\.couchdb\.user:ann$/.test(id))
          await copy.ask('DELETE', `/${database}/${id}?rev=${value.rev}`);
    }
  };

  const run = (...words: readonly string[]): Promise<Outcome> =>
    holdfast([...words, '--config', config], {
      env,
      clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) },
    });
  const done = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(...words);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, `${words.join(' ')}: ${stdout}`);
    return stdout;
  };
  /** PouchDB Server ends when a database is deleted that somebody follows, so this is only what others see. */
  const seemDeleted = (name: string): void => {
    proxy.rule = ({ path }) => {
      if (path === `/${name}`) return { status: 404, body: '{"error":"not_found","reason":"missing"}' };
      const without = (body: Buffer): string =>
        JSON.stringify((JSON.parse(body.toString()) as string[]).filter((one) => one !== name));
      return path === '/_all_dbs' ? { change: without } : undefined;
    };
  };

  test('the first night: a copy in step, its backup, and all is well', async () => {
    assert.equal((await run('status')).status, 1, 'nothing ran yet');
    await done('run', 'standby', 'nightly');
    for (const name of ['alpha', '_users'])
      assert.deepEqual(await seenIn(copy, [name]), await seenIn(source, [name]));
    assert.match(await done('status'), /standby +succeeded(.|\n)*copy +vault .* ok\n(.|\n)*all is well\n$/);
    await done('verify');
  });

  test('the databases of a new organisation are in the next backup', async () => {
    await source.ask('PUT', '/beta');
    await putRevisions(source, 'beta', [{ ...revision('member:1', 'aa'), name: 'Ben' }]);
    assert.match(await done('run', 'standby'), /beta/);
    await done('run', 'nightly');
    assert.match(await done('ls', 'latest:copy'), /^\/copy\/beta\/manifest\.json$/m);
    assert.match(await done('find', '--document', 'member:1'), /1 document in 1 snapshot/);
    assert.match(await done('find', '--document', 'org.couchdb.user:ann'), /\/copy\/_users\/.* 1-/);
  });

  test('a document is read out of a backup, with its conflict and without a server', async () => {
    assert.deepEqual(
      jsonLines(await done('dump', 'latest:copy', '--document', 'order:1')).map(({ _rev, total }) => [
        _rev,
        total,
      ]),
      [
        ['2-b2', 13],
        ['2-b1', 12],
      ],
    );
  });

  test('a restored database is as authoritative as the original', async () => {
    const restored = await run('restore', 'latest:copy', '--path', 'alpha', '--to', copy.url('alpha_back'));
    assert.equal(restored.status, 0, restored.stderr);
    const [[back], [original]] = [await seenIn(copy, ['alpha_back']), await seenIn(source, ['alpha'])].map(
      (seen) => Object.values(seen as object),
    ) as [[unknown], [unknown]];
    assert.deepEqual(back, original);
    await copy.ask('DELETE', '/alpha_back');
  });

  test('of a database that was deleted at the source the copy stays, is backed up, and is told of once', async () => {
    aheadMs = day;
    seemDeleted('beta');
    const told = await run('run', 'standby');
    assert.equal(told.status, 0, told.stderr);
    assert.match(told.stderr, /beta was deleted at its source: its copy stays/);
    await done('run', 'standby', 'nightly');
    assert.match(await done('find', '--document', 'member:1'), /2 documents in 2 snapshots/);
  });

  test('a copy that cannot be begun is shown by status until it works again', async () => {
    writeFileSync(at('couch'), 'wr0ng');
    const { status, stderr } = await run('run', 'standby');
    assert.equal(status, 13);
    assert.match(stderr, /hint: check the password/);
    const shown = await run('status');
    assert.equal(shown.status, 1);
    assert.match(shown.stdout, /standby +failed(.|\n)*not all is well/);
    assert.equal((await run('status', '--nagios')).status, 2);
    writeFileSync(at('couch'), source.password);
    await done('run', 'standby');
    await done('status');
  });

  test('a backup that should have grown in a week and has not is told, and holds everything back', async () => {
    aheadMs = 9 * day;
    await done('run', 'standby');
    const { status, stderr } = await run('run', 'nightly');
    assert.equal(status, 3);
    assert.match(stderr, /copy: the snapshot is stored, but .*grow/);
    assert.equal((await run('status')).status, 1);
    await putRevisions(source, 'alpha', [{ ...revision('order:2', 'aa'), total: 1 }]);
    aheadMs = 9.1 * day;
    await done('run', 'standby', 'nightly');
    await done('status');
  });

  test('a gap in the schedule is shown, though no run failed', async () => {
    const now = Date.now() + aheadMs;
    using dueTimes = openDueTimes(at('catalog.db'), assert.fail as (text: string) => never);
    for (const job of [...(await loadConfig(config, env)).jobs.values()].flatMap(scheduledJob))
      dueTimes.begin(job.name, scheduleKey(job), new Date(now)); // as a daemon does that ends at once
    aheadMs += 1.2 * day;
    const { status, stdout } = await run('status');
    assert.equal(status, 1);
    for (const job of ['standby', 'nightly'])
      assert.match(stdout, new RegExp(`^${job} .* did not run .*: is the daemon`, 'm'));
    assert.match(stdout, /copy +vault .*LATE: should be newer than/);
  });
});
