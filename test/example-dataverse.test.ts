// docs/examples/dataverse, from end to end: PostgreSQL with the tables of Dataverse, OpenSSH, and a mail server.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Client } from 'pg';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { type SmtpServer, startSmtp } from './servers/smtp.ts';
import { type SshServer, skipWithoutSshd, startSshd } from './servers/sshd.ts';
import { temporaryFolder } from './tools/temp.ts';

/** As far as the query sees them, of versions 4.9 and later. */
const tables = `
create table dvobject (id bigint primary key, owner_id bigint, authority text, identifier text, storageidentifier text, createdate timestamp);
create table dataset (id bigint primary key, harvestingclient_id bigint);
create table datafile (id bigint primary key, checksumtype text, checksumvalue text, filesize bigint);
create table datatable (id serial primary key, datafile_id bigint);
insert into dvobject values (1, null, '10.5072', 'FK2/ABC', 's3://bucket:10.5072/FK2/ABC', '2026-01-01'),
  (2, null, '10.5072', 'FK2/FAR', null, '2026-01-01');
insert into dataset values (1, null), (2, 7);`;

suite('the example of Dataverse', { skip: skipWithout('postgresql') ?? skipWithoutSshd() ?? false }, () => {
  const folder = temporaryFolder('dataverse');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let postgres: PostgresServer;
  let ssh: SshServer;
  let smtp: SmtpServer;

  before(async () => {
    [postgres, ssh, smtp] = await Promise.all([startPostgres(), startSshd(), startSmtp()]);
    process.env.PGPASSWORD = postgres.password;
    await postgres.psql('postgres', 'create database dvndb; create database backupdb');
    await postgres.psql('dvndb', tables);
    writeFileSync(
      at('ssh_config'),
      `Host vault\n  HostName 127.0.0.1\n  Port ${ssh.port}\n  User ${ssh.user}\n  IdentityFile ${ssh.key}\n  UserKnownHostsFile ${ssh.knownHosts}\n`,
    );
  });
  after(async () => {
    delete process.env.PGPASSWORD;
    for (const server of [postgres, ssh, smtp]) await server?.[Symbol.asyncDispose]();
  });

  /** The password is asked for where libpq does. */
  const url = (database: string): string =>
    `postgres://${postgres.user}@127.0.0.1:${postgres.port}/${database}`;
  const run = (...words: string[]): Promise<Outcome> =>
    holdfast([...words, '--config', join(import.meta.dirname, '../docs/examples/dataverse/holdfast.yaml')], {
      env: {
        DATAVERSE_URL: url('dvndb'),
        BACKUPDB_URL: url('backupdb'),
        DATAVERSE_FILES: at('files'),
        VAULT_FOLDER: `${ssh.path}/dataverse`,
        VAULT_SSH_CONFIG: at('ssh_config'),
        SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
        HOLDFAST_CATALOG: at('catalog.db'),
        HOME: folder,
      },
    });
  let next = 10;
  interface FileOptions {
    readonly storage?: string;
    readonly tabular?: boolean;
    readonly owner?: number;
    readonly listed?: string;
    readonly created?: string;
  }
  /** As SQL, with the file where it belongs. */
  const file = (name: string, content: string, options: FileOptions = {}): string => {
    const {
      storage = `file://${name}`,
      tabular = false,
      owner = 1,
      listed = content,
      created = '2026-02-01',
    } = options;
    const path = at('files', '10.5072/FK2/ABC', `${name}${tabular ? '.orig' : ''}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    const id = next++;
    const md5 = createHash('md5').update(listed).digest('hex');
    // The size of a tabular file is that of what was made of it.
    return `insert into dvobject values (${id}, ${owner}, null, null, '${storage}', '${created}');
      insert into datafile values (${id}, 'MD5', '${md5}', ${tabular ? 99_999 : listed.length});
      ${tabular ? `insert into datatable (datafile_id) values (${id});` : ''}`;
  };
  const copy = (name: string): string =>
    readFileSync(join(ssh.folder, 'dataverse/10.5072/FK2/ABC', name), 'utf8');
  const statuses = (): Promise<string> =>
    postgres.psql(
      'backupdb',
      'select datasetidentifier, storageidentifier, status, lastbackupmethod from datafilestatus order by storageidentifier',
    );

  test('every file gets a copy: however its identifier is written, and the original of a tabular one', async () => {
    await postgres.psql(
      'dvndb',
      file('18a-1', 'plain') +
        file('18a-2', 'bare', { storage: '18a-2' }) +
        file('18a-3', 'a table', { tabular: true }) +
        file('18a-4', 'harvested', { owner: 2 }),
    );
    const { status, stderr } = await run('mirror', 'files');
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.deepEqual(['18a-1', '18a-2', '18a-3.orig'].map(copy), ['plain', 'bare', 'a table']);
    assert.equal(
      await statuses(),
      '10.5072/FK2/ABC|18a-2|OK|sftp\n10.5072/FK2/ABC|file://18a-1|OK|sftp\n10.5072/FK2/ABC|file://18a-3|OK|sftp',
    );
  });

  test('files that are damaged or in a place nobody knows fail alone, and the mail names them', async () => {
    await postgres.psql(
      'dvndb',
      file('18b-1', 'good', { created: '2026-02-02' }) +
        file('18b-2', 'damaged!!', { created: '2026-02-02', listed: 'as it was' }) +
        file('18b-3', 'far', { created: '2026-02-02', storage: 's3://bucket:18b-3' }),
    );
    assert.equal((await run('mirror')).status, 3);
    assert.equal(copy('18b-1'), 'good');
    assert.equal(existsSync(join(ssh.folder, 'dataverse/10.5072/FK2/ABC/18b-2')), false);
    const mail = smtp.mails.at(-1)?.part('text/plain') ?? '';
    assert.match(mail, /18b-2: its MD5 is/);
    assert.match(mail, /18b-3: it is kept in s3/);
    assert.match(mail, /processed 3, succeeded 1, failed 2/);
  });

  test('--rerun copies what was mended', async () => {
    writeFileSync(at('files', '10.5072/FK2/ABC/18b-2'), 'as it was');
    await postgres.psql(
      'dvndb',
      "update dvobject set storageidentifier = 'file://18b-3' where storageidentifier like 's3://bucket:18b%'",
    );
    const { status, stdout } = await run('mirror', 'files', '--rerun');
    assert.equal(status, 0, stdout);
    assert.match(stdout, /2 files processed: 2 copied .*, 0 failed, 4 were OK already/);
    assert.equal(copy('18b-2'), 'as it was');
  });

  test('a file whose row is committed long after newer ones is not overlooked', async () => {
    const late = new Client({ connectionString: postgres.url('dvndb') });
    await late.connect();
    await late.query('begin');
    await late.query(file('18c-late', 'late', { created: '2026-03-01' }));
    await postgres.psql('dvndb', file('18c-new', 'new', { created: '2026-03-05' }));
    assert.equal((await run('mirror')).status, 0);
    assert.equal(copy('18c-new'), 'new');
    await postgres.psql('dvndb', file('18c-newer', 'newer', { created: '2026-03-09' }));
    assert.equal((await run('mirror')).status, 0);
    await late.query('commit');
    await late.end();
    assert.match((await run('mirror')).stdout, /1 file processed: 1 copied/);
    assert.equal(copy('18c-late'), 'late');
    assert.match((await run('mirror')).stdout, /0 files processed: .* 0 failed, 1 were OK already/);
  });

  test('--verify finds what is no longer as it was', async () => {
    assert.equal((await run('mirror', '--verify')).status, 0);
    writeFileSync(join(ssh.folder, 'dataverse/10.5072/FK2/ABC/18a-1'), 'PLAIN', { mode: 0o600 });
    const { status, stderr } = await run('mirror', '--verify');
    assert.equal(status, 4);
    assert.match(stderr, /18a-1: the copy is not as it was written/);
    assert.match(await statuses(), /file:\/\/18a-1\|FAIL_WRITE/);
  });

  test('a run that has nothing to do with a file that failed does not call the job well', async () => {
    const { status, stderr } = await run('mirror');
    assert.equal(status, 3);
    assert.match(stderr, /0 failed, .*1 not OK since earlier runs/);
    assert.match((await run('status')).stdout, /failed in earlier runs, and are not OK yet: 1/);
    assert.equal((await run('mirror', '--rerun')).status, 0);
    assert.equal((await run('mirror')).status, 0);
  });

  test('identifiers that are longer than the table of statuses can hold stop nothing, and are told apart', async () => {
    const long = (end: string): string => `${'x'.repeat(249)}${end}`;
    const created = '2026-04-01';
    await postgres.psql('dvndb', file(long('1'), 'one', { created }) + file(long('2'), 'two', { created }));
    const { status, stderr } = await run('mirror');
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.deepEqual([long('1'), long('2')].map(copy), ['one', 'two']);
    assert.equal((await statuses()).match(/file:\/\/x{215}-[0-9a-f]{32}\|OK/g)?.length, 2);
  });
});
