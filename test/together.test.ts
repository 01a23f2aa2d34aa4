// Backups whose databases are all held at one moment, before any of them is read.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { execute } from '../src/sources/sqlite/testing.ts';
import { type MysqlServer, startMariadb } from './servers/mariadb.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { jobsPlace } from './tools/jobs-place.ts';
import { makeRepository } from './tools/repository.ts';
import { stillOpen } from './tools/still-open.ts';

const { at, env } = jobsPlace('together');

const skip = skipWithout('postgresql') ?? skipWithout('mariadb') ?? false;

suite('a backup of several databases and files together', { skip }, () => {
  let postgres: PostgresServer;
  let mariadb: MysqlServer;
  before(async () => {
    [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
    for (const database of ['one', 'two']) {
      await postgres.psql('postgres', `CREATE DATABASE ${database}`);
      await postgres.psql(database, 'CREATE TABLE t (id int); INSERT INTO t VALUES (1)');
    }
    await mariadb.sql(
      'create database crm; create table crm.t (id int) engine=innodb; insert into crm.t values (1)',
    );
    execute(at('lite.db'), 'PRAGMA journal_mode=WAL; CREATE TABLE t (id); INSERT INTO t VALUES (1)');
    mkdirSync(at('media'));
    writeFileSync(at('media', 'old'), 'old');
    await makeRepository(at('backups'), env.HOLDFAST_PASSWORD);
  });
  after(async () => {
    await postgres?.[Symbol.asyncDispose]();
    await mariadb?.[Symbol.asyncDispose]();
  });

  /** One job, whose `held` hook waits until the test has done its work. */
  const runPoint = async (
    backup: readonly string[],
    held = `touch ${at('held')}; while [ ! -e ${at('go')} ]; do sleep 0.05; done`,
  ): Promise<Outcome> => {
    for (const file of ['held', 'go', 'ended']) rmSync(at(file), { force: true });
    const hooks = { held, after: `touch ${at('ended')}` };
    const sources = {
      media: { kind: 'files', path: at('media') },
      server: { kind: 'postgres', url: postgres.url(), databases: ['one', 'two'] },
      crm: { kind: 'mysql', url: mariadb.url('crm') },
      lite: { kind: 'sqlite', path: at('lite.db') },
      gone: { kind: 'sqlite', path: at('gone.db') },
    };
    writeFileSync(
      at('holdfast.yaml'),
      JSON.stringify({
        repositories: { here: { store: at('backups'), password: { env: 'HOLDFAST_PASSWORD' } } },
        sources,
        jobs: { point: { backup, to: ['here'], together: true, hooks } },
      }),
      { mode: 0o600 },
    );
    return await holdfast(['run', 'point'], { env });
  };
  const whenHeld = async (work: () => Promise<void>): Promise<void> => {
    while (!existsSync(at('held'))) await new Promise((resolve) => setTimeout(resolve, 20));
    await work();
    writeFileSync(at('go'), '');
  };
  const ask = async (source: string, sql: string): Promise<unknown[]> => {
    const { stdout, stderr, status } = await holdfast(['query', `latest:${source}`, sql, '--json'], { env });
    assert.equal(status, 0, stderr);
    return jsonLines(stdout)
      .slice(0, -1)
      .map(({ values }) => values);
  };

  test('all databases are as they were when all of them were held; files are looked at after that', async () => {
    const [{ status, stderr, stdout }] = await Promise.all([
      runPoint(['media', 'server', 'crm', 'lite']),
      whenHeld(async () => {
        await postgres.psql('one', 'INSERT INTO t VALUES (2)');
        await postgres.psql('two', 'INSERT INTO t VALUES (2)');
        await mariadb.sql('insert into crm.t values (2)');
        execute(at('lite.db'), 'INSERT INTO t VALUES (2)');
        writeFileSync(at('media', 'new'), 'new');
      }),
    ]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^server, crm, lite: opening all, before any is read$/m);
    const count = 'SELECT count(*) AS n FROM';
    for (const [source, table] of [
      ['server', 'one.t'],
      ['server', 'two.t'],
      ['crm', 't'],
      ['lite', 't'],
    ] as const)
      assert.deepEqual(await ask(source, `${count} ${table}`), [{ n: 1 }], table);
    assert.deepEqual(await ask('media', `SELECT name FROM files WHERE type = 'file' ORDER BY name`), [
      { name: 'new' },
      { name: 'old' },
    ]);
    const snapshots = jsonLines((await holdfast(['snapshots', '--json'], { env })).stdout).slice(0, -1);
    const times = new Set(snapshots.filter(({ source }) => source !== 'media').map(({ time }) => time));
    assert.equal(times.size, 1, [...times].join());
  });

  test('commands look at the snapshots of one run when they are told to', async () => {
    const list = async (...words: string[]) =>
      jsonLines((await holdfast(['snapshots', '--json', ...words], { env })).stdout).slice(0, -1);
    const run = String((await list()).at(-1)?.run);
    await runPoint(['lite'], 'true');
    assert.equal((await list()).length, 5);
    assert.deepEqual((await list('--run', run)).map(({ source }) => source).toSorted(), [
      'crm',
      'lite',
      'media',
      'server',
    ]);
    const ask = async (...words: string[]): Promise<string> =>
      (await holdfast(['query', 'latest:lite', ...words], { env })).stdout;
    assert.match(await ask('SELECT count(*) FROM t'), /\n *2\n/);
    assert.match(await ask('--run', run, 'SELECT count(*) FROM t'), /\n *1\n/);
    const joined = ['--with', 'm=latest:media', 'SELECT count(*) FROM t, m.files WHERE size > 0'];
    assert.match(await ask('--run', run, ...joined), /\n *2\n/);
    const unknown = await holdfast(['ls', 'latest:lite', '--run', 'none'], { env });
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /no snapshot of source "lite" and of run "none"/);
    const rules = await holdfast(['forget', '--run', run, '--keep-last', '1'], { env });
    assert.equal(rules.status, 2);
    assert.match(rules.stderr, /--run is for snapshots that are named/);
  });

  test('what cannot be opened fails alone, and those that wait for the moment are told all the same', async () => {
    const outcome = await runPoint(['gone', 'lite'], `touch ${at('held')}`);
    assert.equal(outcome.status, 3, outcome.stderr);
    assert.ok(existsSync(at('held')));
    assert.match(outcome.stderr, /gone: /);
    assert.deepEqual(await ask('lite', 'SELECT count(*) AS n FROM t'), [{ n: 2 }]);
  });

  test('when the moment fails, nothing is stored, and the databases are let go', async () => {
    const before = (await holdfast(['snapshots', '--json'], { env })).stdout;
    const outcome = await runPoint(['server', 'lite', 'media'], 'exit 7');
    assert.equal(outcome.status, 1);
    assert.match(outcome.stderr, /hook held \(exit 7\) failed with status 7/);
    assert.ok(existsSync(at('ended')), 'the hook after it runs');
    assert.equal((await holdfast(['snapshots', '--json'], { env })).stdout, before);
    const sessions = `SELECT count(*) FROM pg_stat_activity WHERE application_name ~ 'holdfast'`;
    assert.equal(await stillOpen(async () => Number(await postgres.psql('postgres', sessions))), 0);
  });

  test('the command line can ask for it, too, where there is a state to hold', async () => {
    const on = { env: { ...env, HOLDFAST_CONFIG: undefined } };
    const repository = ['-r', at('backups')];
    const { status, stdout, stderr } = await holdfast(
      [...repository, 'backup', '--together', at('lite.db'), postgres.url('one'), at('media')],
      on,
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^lite, one: opening all, before any is read$/m);
    const files = await holdfast([...repository, 'backup', '--together', at('media')], on);
    assert.equal(files.status, 2);
    assert.match(files.stderr, /--together is for sources whose state can be held/);
    const job = await holdfast(['backup', '--together', 'point'], { env });
    assert.equal(job.status, 2);
    assert.match(job.stderr, /--together is not for jobs/);
  });
});
