// Mirrors from end to end: what a database lists, over SFTP, with unreadable and damaged files, and killed in the middle.
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { isTemporaryName } from '../src/stores/temporary-name.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { type SshServer, skipWithoutSshd, startSshd } from './servers/sshd.ts';
import { jsonLines, startCli } from './tools/cli.ts';
import { type MirrorFixture, makeMirrorFiles } from './tools/mirror-files.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('mirrors', { skip: skipWithout('postgresql') ?? skipWithoutSshd() ?? false }, () => {
  const folder = temporaryFolder('mirror');
  const at = (...parts: string[]): string => join(folder, ...parts);
  const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
  let postgres: PostgresServer;
  let ssh: SshServer;
  let files: MirrorFixture;

  before(async () => {
    [postgres, ssh] = await Promise.all([startPostgres(), startSshd()]);
    mkdirSync(at('home'));
    files = makeMirrorFiles(at('files'), 500, 'mirror');
    await postgres.psql('postgres', 'create database dataverse; create database backupdb');
    await postgres.psql('dataverse', files.sql);
    writeFileSync(at('password'), postgres.password, { mode: 0o600 });
    configure();
  });
  after(async () => {
    await postgres?.[Symbol.asyncDispose]();
    await ssh?.[Symbol.asyncDispose]();
  });

  const configure = (): void => {
    const source = (database: string): string =>
      `{ kind: postgres, host: 127.0.0.1, port: ${postgres.port}, user: ${postgres.user}, database: ${database}, password: { file: ${at('password')} } }`;
    const store = (path: string): string =>
      `{ kind: sftp, host: 127.0.0.1, port: ${ssh.port}, user: ${ssh.user}, path: ${path}, privateKey: ${ssh.key}, knownHosts: ${ssh.knownHosts}, sshConfig: none }`;
    writeFileSync(
      at('holdfast.yaml'),
      `
sources:
  dataverse: ${source('dataverse')}
  backupdb: ${source('backupdb')}
jobs:
  copies:
    mirror: ${at('files')}
    listedBy: { source: dataverse, query: "select * from listed order by path; " }
    to: ${store(`${ssh.path}/copies`)}
    statusTable: backupdb
catalog: ${at('catalog.db')}
`,
    );
    chmodSync(at('holdfast.yaml'), 0o600);
  };
  const run = (words: string): Promise<Outcome> => holdfast(words.split(' '), { env });
  const counts = async (words: string, status: number): Promise<readonly number[]> => {
    const outcome = await run(`${words} --json`);
    assert.equal(outcome.status, status, `${words}: ${outcome.stderr}`);
    const done = jsonLines(`${outcome.stdout}`).find(({ message_type }) => message_type === 'summary') as {
      runs: Record<string, number>[];
    };
    const [only] = done.runs;
    return [only?.succeeded ?? -1, only?.failed ?? -1, only?.passed_over ?? -1];
  };
  const statuses = async (): Promise<Record<string, string[]>> => {
    const { stdout } = await run('mirror --statuses copies');
    const lines = stdout
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(','));
    const of = (status: string): string[] =>
      lines.filter((line) => line[3] === status).map((line) => line[2] as string);
    return {
      OK: of('OK').toSorted(),
      FAIL_READ: of('FAIL_READ').toSorted(),
      FAIL_WRITE: of('FAIL_WRITE').toSorted(),
    };
  };
  const copies = (): string[] =>
    readdirSync(join(ssh.folder, 'copies'), { recursive: true, encoding: 'utf8' }).filter(
      (path) => !isTemporaryName(path) && statSync(join(ssh.folder, 'copies', path)).isFile(),
    );
  const inTable = async (): Promise<string> =>
    await postgres.psql(
      'backupdb',
      'select status, count(*) from datafilestatus group by status order by status',
    );

  test('a run that is killed leaves only whole files, and the next one goes on where it was', async () => {
    const { process: child, result } = startCli(['mirror', 'copies'], { env });
    while (!existsSync(join(ssh.folder, 'copies')) || copies().length < 100) {
      assert.equal(child.exitCode, null, 'it was over too soon');
      await sleep(5);
    }
    child.kill('SIGKILL');
    await result;
    for (const path of copies())
      assert.deepEqual(readFileSync(join(ssh.folder, 'copies', path)), files.content(path), path);
    const [succeeded, failed] = await counts('mirror copies', 3);
    assert.ok((succeeded ?? 0) < files.good.length, `${succeeded} copied again`);
    assert.ok((failed ?? 0) <= files.missing.length + files.damaged.length);
  });

  test('every status is right, and what is not as it is listed has no copy', async () => {
    const bad = [...files.missing, ...files.damaged].toSorted();
    assert.deepEqual(await statuses(), { OK: files.good, FAIL_READ: bad, FAIL_WRITE: [] });
    assert.deepEqual(copies().toSorted(), files.good);
    assert.equal(await inTable(), `FAIL_READ|${bad.length}\nOK|${files.good.length}`);
  });

  test('a run passes over what it knows to be good', async () => {
    await postgres.psql('dataverse', "insert into listed select 'new', 0, null, null, now()");
    writeFileSync(at('files', 'new'), '');
    const [succeeded] = await counts('mirror copies', 3);
    assert.equal(succeeded, 1);
    assert.deepEqual((await statuses()).OK, [...files.good, 'new'].toSorted());
  });

  test('a path that leads elsewhere fails alone', async () => {
    await postgres.psql('dataverse', "insert into listed values ('../escape', 1, null, null, now())");
    const { stderr } = await run('mirror copies');
    assert.match(stderr, /\.\.\/escape/);
    assert.ok((await statuses()).FAIL_READ?.includes('../escape'));
    assert.equal(existsSync(join(ssh.folder, 'escape')), false);
    await postgres.psql('dataverse', "delete from listed where path = '../escape'");
  });

  test('--rerun copies all that has become readable, and forgets what is listed no longer', async () => {
    const [lost = '', ...found] = files.missing;
    for (const path of [...found, ...files.damaged]) files.repair(path);
    assert.deepEqual(await counts('mirror --rerun copies', 3), [
      found.length + files.damaged.length,
      1,
      files.good.length + 1,
    ]);
    assert.deepEqual((await statuses()).FAIL_READ, [lost]);
    files.repair(lost);
    await counts('mirror --rerun copies', 0);
    assert.deepEqual(await statuses(), { OK: [...copies()].toSorted(), FAIL_READ: [], FAIL_WRITE: [] });
    assert.equal(copies().length, files.count + 1);
  });

  test('--verify finds copies that were changed, cut short, made longer or removed, and --rerun mends them', async () => {
    const [changed = '', short = '', longer = ''] = files.good.filter(
      (path) => files.content(path).length > 1000,
    );
    const put = (path: string, bytes: Uint8Array): void => {
      chmodSync(join(ssh.folder, 'copies', path), 0o600);
      writeFileSync(join(ssh.folder, 'copies', path), bytes);
    };
    put(changed, Buffer.from(files.content(changed)).fill(9, 5, 6));
    put(short, files.content(short).subarray(1));
    put(longer, Buffer.concat([files.content(longer), Buffer.from('!')]));
    assert.deepEqual(await counts('mirror --verify copies', 4), [files.count - 2, 3, 0]);
    assert.deepEqual((await statuses()).FAIL_WRITE, [changed, short, longer].toSorted());
    assert.deepEqual(await counts('mirror --rerun copies', 0), [3, 0, files.count - 2]);
    assert.deepEqual(await counts('mirror --verify copies', 0), [files.count + 1, 0, 0]);
  });
});
