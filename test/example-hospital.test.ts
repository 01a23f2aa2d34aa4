// docs/examples/hospital, from end to end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { holdfast, type Outcome, standingClock } from '../src/cli/testing.ts';
import { type MysqlServer, startMariadb } from './servers/mariadb.ts';
import { type MongoServer, skipWithoutMongodb, startMongodb } from './servers/mongodb.ts';
import { skipWithout } from './servers/programs.ts';
import { type SshServer, skipWithoutSshd, startSshd } from './servers/sshd.ts';
import { temporaryFolder } from './tools/temp.ts';

const skip = skipWithout('mariadb') ?? skipWithoutSshd() ?? skipWithoutMongodb();

suite('the example of the hospital', { skip }, () => {
  const folder = temporaryFolder('hospital');
  const clock = standingClock('2026-11-21T03:30:00');
  let mysql: MysqlServer;
  let mongo: MongoServer;
  let vault: SshServer;
  const set: Record<string, string> = {};

  before(async () => {
    [mysql, mongo, vault] = await Promise.all([startMariadb(), startMongodb(), startSshd()]);
    await mysql.sql(`create database hospital; create database copy; use hospital;
      create table patients (id int primary key, name varchar(40)); insert into patients values (1, 'Ada'), (2, null)`);
    await mongo.client
      .db('hospital')
      .collection('letters')
      .insertMany([{ to: 'Ada' }, { to: 'Eve' }]);
    const { host, port, user, key, knownHosts } = vault;
    writeFileSync(
      join(folder, 'ssh_config'),
      `Host vault\n  HostName ${host}\n  Port ${port}\n  User ${user}\n  IdentityFile ${key}\n  UserKnownHostsFile ${knownHosts}\n`,
    );
    Object.assign(set, {
      HOSPITAL_MYSQL: mysql.url('hospital'),
      HOSPITAL_MONGODB: mongo.url('hospital'),
      VAULT_FOLDER: vault.path,
      VAULT_SSH_CONFIG: join(folder, 'ssh_config'),
      HOLDFAST_CATALOG: join(folder, 'catalog.db'),
      XDG_STATE_HOME: folder,
    });
  });
  after(async () => {
    for (const server of [mysql, mongo, vault]) await server?.[Symbol.asyncDispose]();
  });

  const run = (...words: string[]): Promise<Outcome> =>
    holdfast([...words, '--config', join(import.meta.dirname, '../docs/examples/hospital/holdfast.yaml')], {
      clock,
      env: set,
    });
  const archives = (): string[] => readdirSync(vault.folder).toSorted();

  test('each database is one file of the day on the other machine, with its checksum', async () => {
    const outcome = await run('run', 'daily');
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.deepEqual(archives(), [
      'documents_20261121.tar.gz',
      'documents_20261121.tar.gz.owner',
      'documents_20261121.tar.gz.sha256',
      'hospital_20261121.sql.gz',
      'hospital_20261121.sql.gz.owner',
      'hospital_20261121.sql.gz.sha256',
    ]);
    execFileSync('bash', ['-ec', 'sha256sum -c *.sha256'], { cwd: vault.folder, stdio: 'pipe' });
  });

  test('gzip and the stock client bring the database back, and tar the documents', async () => {
    const dump = execFileSync('gzip', ['-dc', join(vault.folder, 'hospital_20261121.sql.gz')]);
    await mysql.client(['copy'], dump);
    assert.equal(
      await mysql.sql('select id, name from patients order by id', 'copy'),
      await mysql.sql('select id, name from patients order by id', 'hospital'),
    );
    const listed = execFileSync('tar', ['-tzf', join(vault.folder, 'documents_20261121.tar.gz')], {
      encoding: 'utf8',
    });
    assert.match(listed, /^documents\/hospital\/letters\.bson$/m);
  });

  test('a recovery by Holdfast answers a query as before', async () => {
    const back = await run(
      'restore',
      '--archive',
      'daily',
      '--source',
      'hospital',
      '--to',
      mysql.url('recovered'),
    );
    assert.equal(back.status, 0, back.stderr);
    assert.match(await mysql.sql('select count(*) from patients', 'recovered'), /2/);
    const letters = await run(
      'restore',
      '--archive',
      'daily',
      '--source',
      'documents',
      '--to',
      mongo.url('recovered'),
    );
    assert.equal(letters.status, 0, letters.stderr);
    assert.equal(await mongo.client.db('recovered').collection('letters').countDocuments(), 2);
  });

  test('a failure is told, the other database is archived, and nothing half is left', async () => {
    clock.advance(86_400_000);
    const url = set.HOSPITAL_MYSQL;
    set.HOSPITAL_MYSQL = mysql.url('nowhere');
    const outcome = await run('run', 'daily');
    set.HOSPITAL_MYSQL = url ?? '';
    assert.notEqual(outcome.status, 0);
    assert.match(outcome.stderr, /nowhere/);
    const today = archives().filter((name) => name.includes('20261122'));
    assert.deepEqual(
      today,
      ['', '.owner', '.sha256'].map((ending) => `documents_20261122.tar.gz${ending}`),
    );
  });

  test('after ten days seven dumps are kept, and the first one', async () => {
    for (let day = 0; day < 9; day += 1) {
      clock.advance(86_400_000);
      const outcome = await run('run', 'daily');
      assert.equal(outcome.status, 0, outcome.stderr);
    }
    const days = archives().flatMap((name) => /^hospital_(\d{8})\.sql\.gz$/.exec(name)?.[1] ?? []);
    assert.deepEqual(days.slice(-7), [
      '20261125',
      '20261126',
      '20261127',
      '20261128',
      '20261129',
      '20261130',
      '20261201',
    ]);
    assert.equal(days[0], '20261121');
  });
});
