// The commands as their users type them, one after the other on the same repository, in this process.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, test } from 'node:test';
import { commands } from '../src/cli/commands.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { jsonLines } from './tools/cli.ts';
import { hastenKey } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('cli');
const at = (...parts: string[]): string => join(folder, ...parts);
const env = {
  HOLDFAST_REPOSITORY: at('backups'),
  HOLDFAST_PASSWORD: 'correct horse',
  HOLDFAST_CATALOG: at('catalog.db'),
  HOLDFAST_CONFIG: '',
  HOME: at('home'),
};
const run = (line: string, more: Record<string, string> = {}): Promise<Outcome> =>
  holdfast(line.split(' '), { env: { ...env, ...more } });
const done = async (line: string): Promise<string> => {
  const outcome = await run(line);
  assert.deepEqual({ status: outcome.status, stderr: outcome.stderr }, { status: 0, stderr: '' }, line);
  return outcome.stdout;
};

before(async () => {
  mkdirSync(at('media', 'deep'), { recursive: true });
  writeFileSync(at('media', 'menu.txt'), 'soup of the day\n');
  writeFileSync(at('media', 'deep', 'two\nlines'), 'odd');
  writeFileSync(at('media', 'skip.tmp'), 'temporary');
  using db = new DatabaseSync(at('shop.db'));
  db.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT); CREATE TABLE people (id INTEGER PRIMARY KEY);
    INSERT INTO orders VALUES (1, 'tea'), (2, 'soup'); INSERT INTO people VALUES (7)`);
  await done('init');
  await hastenKey(at('backups'), env.HOLDFAST_PASSWORD);
  await done(`backup ${at('media')} ${at('shop.db')} --exclude *.tmp --tag first`);
});

const rowsOf = (path: string, table: string): unknown[] => {
  using db = new DatabaseSync(path, { readOnly: true });
  return db
    .prepare(`SELECT * FROM ${table} ORDER BY 1`)
    .all()
    .map((row) => ({ ...row }));
};

test('a folder and a database come back as they were', async () => {
  await done(`restore latest:media --to ${at('back')}`);
  assert.deepEqual(readdirSync(at('back')), ['deep', 'menu.txt']);
  assert.equal(readFileSync(at('back', 'deep', 'two\nlines'), 'utf8'), 'odd');
  await done(`restore latest:shop --to ${at('back.db')}`);
  assert.deepEqual(rowsOf(at('back.db'), 'orders'), rowsOf(at('shop.db'), 'orders'));
});

test('one table comes back alone, under another name', async () => {
  await done(`restore latest:shop --to sqlite:${at('one.db')} --table orders --as orders_old`);
  assert.deepEqual(rowsOf(at('one.db'), 'orders_old'), rowsOf(at('shop.db'), 'orders'));
  assert.deepEqual(rowsOf(at('one.db'), "sqlite_schema WHERE name = 'people'"), []);
});

test('of a folder, only what is asked for comes back', async () => {
  await done(`restore latest:media --to ${at('part')} --path deep`);
  assert.deepEqual(readdirSync(at('part'), { recursive: true }), ['deep', 'deep/two\nlines']);
  await done(`restore latest:media --to ${at('texts')} --include *.txt`);
  assert.deepEqual(
    readdirSync(at('texts')).filter((name) => name !== 'deep'),
    ['menu.txt'],
  );
  const nothing = await run(`restore latest:media --to ${at('none')} --include *.jpg`);
  assert.equal(nothing.status, 1);
  assert.match(nothing.stderr, /the patterns match nothing/);
});

test('a target that is not empty is refused with status 15, and taken with --force', async () => {
  mkdirSync(at('full'));
  writeFileSync(at('full', 'mine.txt'), 'mine');
  const refused = await run(`restore latest:media --to ${at('full')}`);
  assert.equal(refused.status, 15);
  assert.match(refused.stderr, /is not empty\nhint: .*--force/);
  const trial = await run(`restore latest:media --to ${at('full')} -n`);
  assert.equal(trial.status, 0);
  assert.match(
    trial.stderr,
    /full is not empty: the restore would be refused \(status 15\)\nhint: .*--force/,
  );
  assert.equal((await run(`restore latest:media --to ${at('full')} -n --force`)).stderr, '');
  await done(`restore latest:media --to ${at('full')} --force`);
  assert.deepEqual(readdirSync(at('full')), ['deep', 'menu.txt', 'mine.txt']);
});

test('a dry run of a restore names the files and writes nothing', async () => {
  const shown = await done(`restore latest:media --to ${at('dry')} --dry-run -v`);
  assert.match(shown, /^\/media\/menu.txt$/m);
  assert.match(shown, /would restore 2 files/);
  assert.throws(() => readdirSync(at('dry')), { code: 'ENOENT' });
});

test('a snapshot of files does not go into a database', async () => {
  const { status, stderr } = await run(`restore latest:media --to sqlite:${at('wrong.db')}`);
  assert.equal(status, 2);
  assert.match(stderr, /is of kind files and cannot go into sqlite/);
});

test('ls spells out what would break a terminal, and dump writes bytes as they are', async () => {
  assert.equal(
    await done('ls latest:media'),
    '/media\n/media/deep\n/media/deep/two\\nlines\n/media/menu.txt\n',
  );
  assert.match(
    await done('ls -l latest:media menu.txt'),
    /^-rw-r--r-- \S+ +16 \d{4}-\d\d-\d\d .* \/media\/menu.txt\n$/,
  );
  assert.equal(await done('dump latest:media /media/menu.txt'), 'soup of the day\n');
});

test('dump writes a folder as a tar', async () => {
  const into = at('untarred');
  mkdirSync(into);
  writeFileSync(at('deep.tar'), await done('dump latest:media deep'));
  execFileSync('tar', ['xf', at('deep.tar'), '-C', into]);
  assert.equal(readFileSync(join(into, 'media', 'deep', 'two\nlines'), 'utf8'), 'odd');
});

test('dump of a folder names what a tar cannot hold, and writes the rest', async () => {
  mkdirSync(at('odd'));
  writeFileSync(at('odd', 'z'), 'kept');
  writeFileSync(Buffer.concat([Buffer.from(at('odd', 'a')), Buffer.of(0xff)]), 'no text');
  for (const line of ['init', `backup ${at('odd')}`]) await done(`${line} -r ${at('odd-backups')}`);
  const { status, stdout, stderr } = await run(`dump latest /odd -r ${at('odd-backups')}`);
  assert.equal(status, 3);
  assert.match(stderr, /^\/odd\/a\\xff is left out: .*UTF-8/);
  writeFileSync(at('odd.tar'), stdout);
  assert.equal(execFileSync('tar', ['tf', at('odd.tar')], { encoding: 'utf8' }), 'odd/\nodd/z\n');
});

test('verify counts every row again', async () => {
  const shown = await done('verify');
  assert.match(shown, /media: snapshot \w{8} is what was captured \(2 files, 19 B\)/);
  assert.match(shown, /shop: snapshot \w{8} is what was captured \(\d files, .*, 2 tables, 3 rows\)/);
});

test('check finds a whole repository whole, and a damaged one damaged', async () => {
  assert.match(await done('check --read-data'), /no problem found \(\d snapshots, \d+ packs/);
  const copy = at('damaged');
  cpSync(at('backups'), copy, { recursive: true });
  const data = readdirSync(join(copy, 'data'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.length > 60,
  );
  const pack = join(copy, 'data', data[0] as string);
  const bytes = readFileSync(pack);
  bytes[20] = (bytes[20] as number) ^ 1;
  chmodSync(pack, 0o600);
  writeFileSync(pack, bytes);
  const { status, stderr } = await run('check --read-data', { HOLDFAST_REPOSITORY: copy });
  assert.equal(status, 1);
  assert.match(
    stderr,
    new RegExp(
      createHash('sha256')
        .update(readFileSync(join(at('backups'), 'data', data[0] as string)))
        .digest('hex')
        .slice(0, 8),
    ),
  );
});

test('snapshots and runs tell what was done', async () => {
  const shown = await done('snapshots');
  assert.match(shown, /^ID +Time +Source +Kind +Size$/m);
  assert.match(shown, /^\w{8} {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}shop +sqlite/m);
  const only = jsonLines(await done('snapshots --source shop --json'));
  assert.deepEqual(
    only.map(({ message_type, source }) => [message_type, source]),
    [
      ['snapshot', 'shop'],
      ['summary', undefined],
    ],
  );
  assert.match(await done('runs'), /backup +succeeded/);
  const [first] = only;
  assert.match(await done(`runs ${first?.run}`), /^shop \(sqlite\) in .*backups: ok, snapshot \w{8}, /m);
});

test('with --json every line is an object, and the last one a summary', async () => {
  for (const line of [
    `backup ${at('media')}`,
    'ls latest:shop',
    'snapshots',
    'verify',
    'check',
    'runs',
    `restore latest:shop --to ${at('json.db')}`,
    'unlock',
  ]) {
    const messages = jsonLines(await done(`${line} --json`));
    assert.equal(messages.at(-1)?.message_type, 'summary', line);
    assert.ok(
      messages.every(({ message_type }) => typeof message_type === 'string'),
      line,
    );
  }
});

test('a dry run of a backup stores nothing and is not remembered', async () => {
  const before = [await done('snapshots'), await done('runs')];
  assert.match(
    await done(`backup ${at('media')} --dry-run`),
    /dry run, nothing stored: 3 files [^;]*; \S+ \S+ of new data/,
  );
  const several = await run(`backup ${at('media')} ${at('shop.db')} --dry-run`);
  assert.match(several.stdout, /^backup: dry run, nothing stored: 2 sources read whole$/m);
  assert.deepEqual([await done('snapshots'), await done('runs')], before);
});

test('a source that cannot be read leaves the others stored, and the status says 3', async () => {
  const { status, stderr, stdout } = await run(`backup ${at('media')} ${at('nowhere')}`);
  assert.equal(status, 3);
  assert.match(stdout, /media: snapshot \w{8}/);
  assert.match(
    stderr,
    /nowhere: failed: .*\nhint: .*\nbackup: partial: 1 of 2 sources stored whole, 1 not at all/,
  );
  const alone = await run(`backup ${at('nowhere')}`);
  assert.equal(alone.status, 13);
});

test('each failure of the repository has its own status', async () => {
  assert.equal((await run('snapshots', { HOLDFAST_REPOSITORY: at('nothing') })).status, 10);
  assert.equal((await run('snapshots', { HOLDFAST_PASSWORD: 'wrong' })).status, 12);
  assert.equal((await run(`backup ${at('media')}`, { HOLDFAST_PASSWORD: 'wrong' })).status, 12);
  assert.equal((await run('init')).status, 1);
  assert.equal((await run('snapshots', { HOLDFAST_PASSWORD: '' })).status, 2);
  const fromRestic = await run('snapshots', { HOLDFAST_PASSWORD: '', RESTIC_PASSWORD: 'x' });
  assert.match(fromRestic.stderr, /RESTIC_PASSWORD is not read/);
  rmSync(at('nothing'), { recursive: true, force: true });
});

test('a mistake on the command line is status 2, with what was probably meant', async () => {
  const mistakes: [string, RegExp][] = [
    ['snapshot', /unknown command "snapshot"; did you mean snapshots\?/],
    ['help snapshot', /unknown command "snapshot"; did you mean snapshots\?/],
    ['snapshot --help', /unknown command "snapshot"; did you mean snapshots\?/],
    ['-q nosuch -h', /unknown command "nosuch"/],
    ['rebuild-index', /unknown command "rebuild-index"; did you mean repair index\?/],
    ['snapshots -p key', /unknown option "-p"; did you mean --password-file\?/],
    ['restore latest --target /x', /unknown option "--target"; did you mean --to\?\n/],
    ['restore latest --target=/x', /unknown option "--target=\/x"; did you mean --to\?\n/],
    ['--repo /x snapshots', /unknown option "--repo"; did you mean --repository\?\n/],
    ['snapshots --repo /x', /unknown option "--repo"; did you mean --repository\?\n/],
    ['restore latest -d shop', /unknown option "-d"; did you mean --to\?\n/],
    ['ls latest --target /x', /unknown option "--target"\n/],
    ['snapshots --sorce shop', /unknown option "--sorce"; did you mean --source\?/],
    ['restore latest:media', /restore needs --to/],
    ['restore latest:media --to /x -t orders', /-t, --to is given twice/],
    ['snapshots -s shop -s media', /-s, --source is given twice/],
    ['snapshots --retry-lock 1s --retry-lock 2s', /--retry-lock is given twice/],
    ['restore', /restore needs a snapshot, or --archive/],
    ['verify latest --all', /contradict each other/],
    ['check --read-data=110%', /must be a share from "0%" to "100%"/],
    ['ls latest', /"latest" could be any of 2 sources: media, shop|shop, media/],
    ['-q -v snapshots', /contradict each other/],
    ['config edit', /Allowed choices are validate, show, schema/],
    ['backup', /nothing to back up is named/],
    ['backup foo:bar', /unknown scheme "foo"/],
    [`backup ${folder}/a/data ${folder}/b/data`, /would both be called "data"/],
    [`backup ${folder}/media --name ../x`, /cannot be a name/],
    [`backup ${folder}/shop.db --exclude x`, /are for folders, and none is named/],
    [`restore latest:shop --to ${folder}/x --rename orders`, /not of the form from=to/],
    ['run nightly', /there is no configuration file/],
  ];
  for (const [line, message] of mistakes) {
    const { status, stderr } = await run(line);
    assert.equal(status, 2, line);
    assert.match(stderr, message);
  }
});

test('a password in a URL is warned of, and printed nowhere', async () => {
  const { stdout, stderr } = await run('backup postgres://ada:hunter2@localhost:1/shop?connect_timeout=1');
  assert.match(stderr, /can be seen by other users of this machine/);
  assert.doesNotMatch(stdout + stderr, /hunter2/);
  assert.doesNotMatch(await done('runs latest'), /hunter2/);
});

test('every command explains itself, with an example and its exit statuses', async () => {
  const overview = await done('--help');
  for (const { name, summary } of commands) {
    assert.ok(overview.includes(name) && overview.includes(summary), name);
    const help = await done(`${name} --help`);
    assert.match(help, new RegExp(`^Usage: holdfast ${name} `), name);
    assert.match(help, /^Examples:\n {2}\$ holdfast .*\n/m, name);
    assert.match(help, /^Exit status:\n {4}0 {2}done$/m, name);
    assert.equal(await done(`help ${name}`), help);
  }
  assert.equal(await done('-q'), overview);
  assert.match(await done('help help'), /^Usage: holdfast help /);
  assert.equal(await done('--version'), await done('version'));
});

test('a repository that takes no lock is read with --no-lock, and the hint says so', async () => {
  const more = { HOLDFAST_REPOSITORY: at('sealed') };
  cpSync(at('backups'), at('sealed'), { recursive: true });
  rmSync(at('sealed', 'locks'), { recursive: true });
  writeFileSync(at('sealed', 'locks'), ''); // nobody can write into it, not even root
  const dry = ['prune --dry-run', 'repair index --dry-run'];
  for (const line of ['snapshots', 'check', `restore latest:media --to ${at('unsealed')}`, ...dry]) {
    const { status, stderr } = await run(line, more);
    assert.equal(status, 14, line);
    assert.match(stderr, /\nhint: .*--no-lock/);
    assert.deepEqual(await run(`${line} --no-lock`, more).then(({ status }) => status), 0, line);
  }
  assert.match((await run(`backup ${at('media')}`, more)).stderr, /\nhint: something that is not a folder/);
  for (const line of ['prune', 'repair packs'])
    assert.equal((await run(`${line} --no-lock`, more)).status, 2, line);
});

test('whom a server refuses is told why, whatever can be done without a lock', async () => {
  await using refusing = createServer((_, response) => response.writeHead(401).end());
  await once(refusing.listen(0, '127.0.0.1'), 'listening');
  const { port } = refusing.address() as AddressInfo;
  const { stderr } = await run('snapshots', { HOLDFAST_REPOSITORY: `rest:http://127.0.0.1:${port}/` });
  assert.match(stderr, /\nhint: .*password/);
});

test('a repository that is given by its place is named once in an error', async () => {
  const more = { HOLDFAST_REPOSITORY: at('unwritable') };
  cpSync(at('backups'), at('unwritable'), { recursive: true });
  rmSync(at('unwritable', 'locks'), { recursive: true });
  writeFileSync(at('unwritable', 'locks'), '');
  for (const line of [`backup ${at('media')}`, 'check']) {
    const { stderr } = await run(line, more);
    assert.ok(stderr.startsWith(`${at('unwritable')}: cannot write locks/`), stderr);
  }
});
