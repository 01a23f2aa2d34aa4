// Whole restore points: everything that a run of a job stored, back into its places or into others.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { before, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { execute, query } from '../src/sources/sqlite/testing.ts';
import { startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines, startCli } from './tools/cli.ts';
import { jobsPlace } from './tools/jobs-place.ts';
import { makeRepository } from './tools/repository.ts';

const { at, env } = jobsPlace('recover');

const writeConfig = (more: object = {}): void =>
  writeFileSync(
    at('holdfast.yaml'),
    JSON.stringify({
      repositories: { here: { store: at('backups'), password: { env: 'HOLDFAST_PASSWORD' } } },
      sources: {
        shop: { kind: 'sqlite', path: at('shop.db') },
        media: { kind: 'files', path: at('media') },
        ...more,
      },
      jobs: {
        nightly: { backup: ['shop', 'media', ...Object.keys(more)], to: ['here'] },
        look: { check: ['here'] },
      },
    }),
    { mode: 0o600 },
  );
const run = (...words: readonly string[]): Promise<Outcome> => holdfast(words, { env });
/** Runs the job, and returns the id of the run. */
const backUp = async (expected = 0): Promise<string> => {
  const { status, stdout, stderr } = await run('run', 'nightly', '--json');
  assert.equal(status, expected, stderr);
  const done = jsonLines(stdout).find(({ message_type }) => message_type === 'run_done');
  return String(done?.run);
};
const rowsIn = (file: string): number => Number(query(file, 'SELECT count(*) FROM t')[0]?.[0]);

let first: string;
let second: string;
before(async () => {
  writeConfig();
  await makeRepository(at('backups'), env.HOLDFAST_PASSWORD);
  execute(at('shop.db'), 'CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)');
  mkdirSync(at('media'));
  writeFileSync(at('media', 'a.jpg'), 'picture');
  first = await backUp();
  execute(at('shop.db'), 'INSERT INTO t VALUES (2)');
  writeFileSync(at('media', 'b.jpg'), 'another');
  second = await backUp();
  // Of a third one a part cannot be stored.
  execute(at('shop.db'), 'INSERT INTO t VALUES (3)');
  renameSync(at('media'), at('gone'));
  await backUp(3);
  rmSync(at('shop.db'));
});

test('a dry run says what would come back, and writes nothing', async () => {
  const { status, stdout, stderr } = await run('recover', 'nightly', '--dry-run');
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^nightly: run ${second}, of `));
  const place = at('media').replaceAll('.', '\\.');
  assert.match(
    stdout,
    new RegExp(
      `^would restore .* of snapshot [0-9a-f]{8} \\(media\\) to ${place}; nothing was written$`,
      'm',
    ),
  );
  assert.match(stdout, /^recover: 2 of 2 sources could be restored whole$/m);
  assert.ok(!existsSync(at('shop.db')) && !existsSync(at('media')));
});

test('everything comes back as the newest run stored it that stored all of it', async () => {
  const { status, stdout, stderr } = await run('recover', 'nightly');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^recover: 2 of 2 sources restored whole$/m);
  assert.equal(rowsIn(at('shop.db')), 2);
  assert.deepEqual(readdirSync(at('media')).toSorted(), ['a.jpg', 'b.jpg']);
  assert.equal(readFileSync(at('media', 'b.jpg'), 'utf8'), 'another');
});

test('places that are in use are refused, and the others restored', async () => {
  rmSync(at('media'), { recursive: true });
  const some = await run('recover', 'nightly', '--json');
  assert.equal(some.status, 3);
  assert.match(some.stdout, /"message_type":"recovered","source":"media"/);
  assert.match(`${some.stdout}${some.stderr}`, /recover_failed.*shop.*TARGET_NOT_EMPTY/);
  assert.match(some.stderr, new RegExp(`to go on: holdfast recover nightly --run ${second} --leave media"`));
  const tried = await run('recover', 'nightly', '--dry-run');
  assert.equal(tried.status, 3);
  assert.match(tried.stderr, /media is not empty\nhint: /);
  assert.match(tried.stdout, /^recover: 1 of 2 sources could be restored whole$/m);
  assert.doesNotMatch(tried.stderr, /to go on/);
  assert.equal((await run('recover', 'nightly', '--dry-run', '--force')).status, 0);
  assert.equal((await run('recover', 'nightly')).status, 15);
  const forced = await run('recover', 'nightly', '--run', first, '--force');
  assert.equal(forced.status, 0, forced.stderr);
  assert.equal(rowsIn(at('shop.db')), 1);
});

test('sources go into other places, or are left', async () => {
  const other = ['--to', `shop=${at('other.db')}`, '--to', `media=${at('other')}`];
  assert.equal((await run('recover', 'nightly', ...other, '--run', first)).status, 0);
  assert.equal(rowsIn(at('other.db')), 1);
  assert.deepEqual(readdirSync(at('other')), ['a.jpg']);
  const shop = await run('recover', 'nightly', '--leave', 'media', '--to', `shop=${at('third.db')}`);
  assert.equal(shop.status, 0, shop.stderr);
  assert.equal(rowsIn(at('third.db')), 3, 'of the newest run, which has all that is asked for');
});

test('what is not there, or cannot be meant, is refused, with what to do', async () => {
  const refused = async (status: number, message: RegExp, ...words: readonly string[]): Promise<void> => {
    const outcome = await run('recover', ...words);
    assert.equal(outcome.status, status);
    assert.match(outcome.stderr, message);
  };
  const [third] = jsonLines((await run('snapshots', '--source', 'shop', '--json')).stdout)
    .slice(0, -1)
    .map(({ run: id }) => String(id))
    .toReversed();
  await refused(
    1,
    /has no snapshot of media\nhint: leave out what it lacks: --leave media/,
    'nightly',
    '--run',
    third ?? '',
  );
  const known = new RegExp(
    `no snapshot of job "nightly" and of run "none"\nhint: its runs are .*${second} \\(.*${first} \\(`,
  );
  await refused(1, known, 'nightly', '--run', 'none');
  await refused(2, /"media" is named twice/, 'nightly', '--leave', 'media', '--to', 'media=/tmp/x');
  await refused(2, /does not back up "medai"; did you mean "media"/, 'nightly', '--leave', 'medai');
  await refused(2, /nothing is left/, 'nightly', '--leave', 'media', '--leave', 'shop');
  await refused(2, /--to x is not of the form source=target/, 'nightly', '--to', 'x');
  await refused(2, /look is no backup job/, 'look');
  await refused(2, /nightli/, 'nightli');
  writeConfig({ roots: { kind: 'files', paths: [at('media'), at('other')] } });
  await refused(2, /roots has several paths.*\nhint: name one: --to roots=/, 'nightly');
});

test('a repository without snapshots says so', async () => {
  await makeRepository(at('empty'), env.HOLDFAST_PASSWORD);
  for (const words of [[], ['--run', first]]) {
    const { status, stderr } = await run(
      'recover',
      'nightly',
      '--leave',
      'roots',
      ...words,
      '-r',
      at('empty'),
    );
    assert.equal(status, 1);
    assert.equal(
      stderr,
      'holdfast: the repository holds no snapshots\nhint: is it the right one? -r names another\n',
    );
  }
});

test('of a snapshot that is not good the same is said whichever command brings it back', async () => {
  writeConfig();
  renameSync(at('media'), at('full'));
  mkdirSync(at('media'));
  const odd = await backUp(3);
  renameSync(at('full'), at('media'));
  const recovered = await run(
    'recover',
    'nightly',
    '--run',
    odd,
    '--leave',
    'shop',
    '--to',
    `media=${at('odd')}`,
  );
  const restored = await run('restore', 'latest:media', '--run', odd, '--to', at('odd-again'));
  assert.deepEqual([recovered.status, restored.status], [0, 0], recovered.stderr);
  assert.match(
    restored.stderr,
    /^snapshot [0-9a-f]{8} of media is suspicious: it is too unlike those before it\nhint: the newest complete one is [0-9a-f]{8}, of /,
  );
  assert.equal(recovered.stderr, restored.stderr);
});

test('a database comes back on another server', { skip: skipWithout('postgresql') ?? false }, async () => {
  await using server = await startPostgres();
  await server.psql('postgres', 'CREATE DATABASE crm');
  await server.psql('crm', 'CREATE TABLE t (id int); INSERT INTO t VALUES (7)');
  writeConfig({ crm: { kind: 'postgres', url: server.url('crm') } });
  const id = await backUp();
  await using other = await startPostgres();
  const words = ['--run', id, '--leave', 'shop', '--leave', 'media'];
  const outcome = await run('recover', 'nightly', ...words, '--to', `crm=${other.url('crm_back')}`);
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.equal(await other.psql('crm_back', 'SELECT id FROM t'), '7');
  assert.ok(!`${outcome.stdout}${outcome.stderr}`.includes(other.password));
  const { host, port, user } = server;
  const password = { file: at('lost.key') };
  writeConfig({ crm: { kind: 'postgres', host, port, user, database: 'crm', password } });
  const tried = await run('recover', 'nightly', '--dry-run', ...words);
  assert.equal(tried.status, 2);
  assert.match(tried.stderr, /^crm: cannot read the secret in .*lost\.key/m);
  writeConfig({ crm: { kind: 'postgres', url: server.url('crm') } });
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port: silentPort } = silent.address() as AddressInfo;
  rmSync(at('shop.db'), { force: true });
  const stopped = startCli(
    [
      'recover',
      'nightly',
      '--run',
      id,
      '--leave',
      'media',
      '--to',
      `crm=postgres://u@127.0.0.1:${silentPort}/crm`,
    ],
    { env: { ...env, PATH: env.PATH ?? '' } },
  );
  await once(silent, 'connection');
  stopped.process.kill('SIGINT');
  const { status, stderr } = await stopped.result;
  silent.close();
  assert.equal(status, 130);
  assert.match(
    stderr,
    new RegExp(
      `crm did not come back whole\nhint: to go on: holdfast recover nightly --run ${id} --leave shop --leave media, with the same --to`,
    ),
  );
  await server.psql('postgres', 'DROP DATABASE crm');
  const back = await run('recover', 'nightly', ...words);
  assert.equal(back.status, 0, back.stderr);
  assert.equal(await server.psql('crm', 'SELECT id FROM t'), '7');
});
