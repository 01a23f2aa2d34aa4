// The commands that care for a repository for years, as their users type them.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { testPassword } from '#repository/testing.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { jsonLines } from './tools/cli.ts';
import { hastenKey, makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('cli-life');
const at = (...parts: string[]): string => join(folder, ...parts);
const env = {
  HOLDFAST_REPOSITORY: at('backups'),
  HOLDFAST_PASSWORD: testPassword,
  HOLDFAST_CATALOG: at('catalog.db'),
  HOME: at('home'),
};
const run = (line: string, more: Record<string, string> = {}): Promise<Outcome> =>
  holdfast(line.split(' '), { env: { ...env, ...more } });
const done = async (line: string, more?: Record<string, string>): Promise<string> => {
  const outcome = await run(line, more);
  assert.deepEqual({ status: outcome.status, stderr: outcome.stderr }, { status: 0, stderr: '' }, line);
  return outcome.stdout;
};
const snapshots = async (more?: Record<string, string>): Promise<Record<string, unknown>[]> =>
  jsonLines(await done('snapshots --json', more)).filter(({ message_type }) => message_type === 'snapshot');

const tagsOf = (snapshot: Record<string, unknown> | undefined): string[] =>
  (snapshot?.tags ?? []) as string[];

before(async () => {
  mkdirSync(at('media', 'deep'), { recursive: true });
  writeFileSync(at('media', 'menu.txt'), 'soup of the day\n');
  writeFileSync(at('media', 'deep', 'photo.jpg'), Buffer.alloc(100_000, 'photo'));
  await makeRepository(at('backups'));
  await done(`backup ${at('media')}`);
  writeFileSync(at('media', 'menu.txt'), 'stew of the day, with bread\n');
  writeFileSync(at('media', 'new.txt'), 'new');
  rmSync(at('media', 'deep', 'photo.jpg'));
  await done(`backup ${at('media')}`);
  await done(`backup ${at('media')} --tag third`);
});

test('diff, find and stats tell what is in which snapshot', async () => {
  const [first, second] = await snapshots();
  const shown = await done(`diff ${first?.id} ${second?.id}`);
  assert.match(shown, /^- {2}\/media\/deep\/photo.jpg$/m);
  assert.match(shown, /^M {2}\/media\/menu.txt {2}\(16 B, now 28 B\)$/m);
  assert.match(shown, /^\+ {2}\/media\/new.txt$/m);
  assert.match(shown, /1 added, 1 removed, 1 changed; 31 B of files came, 97.7 KiB went$/m);
  const found = await done('find *.JPG nothing -i');
  assert.match(found, /^snapshot \w{8} of media, .*\n\/media\/deep\/photo.jpg\n1 entry in 1 snapshot$/m);
  assert.match(await done('find photo.jpg --snapshot latest'), /nothing found in 1 snapshot$/m);
  for (const command of ['snapshots', 'forget --keep-last 1', 'find menu.txt', 'stats', 'verify']) {
    const { status, stderr } = await run(`${command} --source medai`);
    assert.deepEqual([status, /no snapshot of source "medai"; did you mean "media"/.test(stderr)], [1, true]);
  }
  assert.match(await done('find /menu.txt'), /nothing found/);
  assert.match(await done('find deep/*.jpg'), /1 entry in 1 snapshot/);
  assert.match(await done('stats'), /^3 snapshots: 6 files, .* when all are restored/m);
});

test('snapshots are copied into another repository once', async () => {
  const to = {
    HOLDFAST_TO_PASSWORD: 'staple',
    HOLDFAST_PASSWORD: 'staple',
    HOLDFAST_REPOSITORY: at('other'),
  };
  await done('init', to);
  await hastenKey(at('other'), 'staple');
  const copied = { HOLDFAST_TO_PASSWORD: 'staple' };
  assert.match(await done(`copy --to ${at('other')}`, copied), /^3 snapshots copied to/m);
  assert.match(
    await done(`copy latest --to ${at('other')}`, copied),
    /^0 snapshots copied to .*, 1 there already$/m,
  );
  assert.match(await done('check --read-data', to), /no problem found/);
  const trees = async (more?: Record<string, string>) =>
    (await snapshots(more)).map(({ tree, time }) => ({ tree, time }));
  assert.deepEqual(await trees(to), await trees());
  assert.equal((await run(`copy --to ${at('other')}`, { HOLDFAST_TO_PASSWORD: 'wrong' })).status, 12);
  const misspelt = await run(`copy --to ${at('other')} --source media-typo`, copied);
  assert.equal(misspelt.status, 1);
  assert.match(misspelt.stderr, /no snapshot of source "media-typo"/);
  const without = await run(`copy --to ${at('other')}`);
  assert.equal(without.status, 2);
  assert.match(without.stderr, /^hint: set HOLDFAST_TO_PASSWORD_FILE, /m);
  assert.equal((await run(`copy --to ${at('backups')}`, { HOLDFAST_TO_PASSWORD: testPassword })).status, 2);
});

test('a pinned snapshot outlives the rules, and a dry run says why each one stays', async () => {
  const [first] = await snapshots();
  assert.match(await done(`pin ${first?.id}`), /pinned snapshot \w{8}, which is now \w{8}/);
  const shown = await done('forget --keep-last 1 --dry-run');
  assert.match(shown, /kept +last$/m);
  assert.match(shown, /kept +pinned$/m);
  assert.match(shown, /would forget 1 snapshot, would keep 2/);
  assert.equal((await snapshots()).length, 3);
  assert.match(await done('forget --keep-last 1'), /forgot 1 snapshot, kept 2/);
  assert.deepEqual(
    (await snapshots()).map(({ tags }) => (tags as string[]).at(-1)),
    ['pinned', 'third'],
  );
  const [pinned] = await snapshots();
  assert.match((await run(`forget ${pinned?.id}`)).stderr, /is pinned\nhint: .*unpin/);
  assert.match(await done(`unpin ${pinned?.id}`), /unpinned snapshot/);
});

test('tags are added, removed and replaced, but for those that Holdfast reads', async () => {
  await done('tag latest --add one --add two');
  await done('tag latest --remove one');
  const tags = async () => tagsOf((await snapshots()).at(-1)).filter((tag) => !tag.includes(':'));
  assert.deepEqual(await tags(), ['third', 'two']);
  await done('tag latest --set only');
  assert.deepEqual(await tags(), ['only']);
  assert.match((await run('tag latest --remove partial')).stderr, /is Holdfast's own/);
  assert.equal((await run('tag latest')).status, 2);
});

test('the last complete snapshot of a source goes only by force', async () => {
  const { status, stderr } = await run('forget latest:media');
  assert.equal(status, 2);
  assert.match(stderr, /is the last complete one of this source\nhint: .*--force/);
});

test('without rules nothing is forgotten, and rules that are none are refused', async () => {
  assert.match((await run('forget')).stderr, /nothing says what to keep/);
  assert.match((await run('forget --keep-daily 0')).stderr, /--keep-daily needs a number from 1/);
  assert.match((await run('forget --keep-within soon')).stderr, /--keep-within needs a length of time/);
  assert.match((await run('prune --max-unused much')).stderr, /neither a share/);
});

test('forgetting and pruning frees the space, and what is left is whole', async () => {
  const [first] = await snapshots();
  assert.match(await done(`forget ${first?.id} --prune --dry-run`), /would free .* KiB|would free \d+ B/);
  assert.match(await done(`forget ${first?.id} --prune`), /freed \d/);
  assert.match(await done('prune'), /nothing to remove/);
  assert.match(await done('check --read-data'), /no problem found/);
});

test('keys are added, changed and removed; the password is no argument', async () => {
  writeFileSync(at('second'), 'battery staple\n', { mode: 0o600 });
  await done(`key add --new-password-file ${at('second')}`);
  assert.match(await done('key list'), /in use/);
  const second = { HOLDFAST_PASSWORD: 'battery staple' };
  await done('key passwd', { ...second, HOLDFAST_NEW_PASSWORD: 'another' });
  assert.equal((await run('snapshots', second)).status, 12);
  const keys = jsonLines(await done('key list --json')).filter(({ current }) => current === false);
  assert.equal(keys.length, 1);
  await done(`key remove ${keys[0]?.id}`);
  assert.equal((await run('snapshots', { HOLDFAST_PASSWORD: 'another' })).status, 12);
  assert.match((await run('key add')).stderr, /no new password is given/);
  assert.match((await run('key remove')).stderr, /which key is not said/);
});

test('a repository that lost a pack is repaired, and what is lost is named', async () => {
  assert.match(await done('repair index'), /the index lists \d+ packs?$/m);
  assert.match(await done('repair snapshots'), /no snapshot needs repair/);
  const damaged = { HOLDFAST_REPOSITORY: at('damaged') };
  cpSync(at('backups'), at('damaged'), { recursive: true });
  for (const pack of smallPacks(at('damaged', 'data'))) rmSync(pack);
  const index = await run('repair index', damaged);
  assert.equal(index.status, 3);
  assert.match(index.stdout, /was listed and is not there/);
  const repaired = await run('repair snapshots', damaged);
  assert.equal(repaired.status, 3);
  assert.match(repaired.stderr, /lost: \/media\/menu.txt/);
  assert.match(await done('check --read-data', damaged), /no problem found/);
  const verified = await run('verify', damaged);
  assert.equal(verified.status, 4);
  assert.match(verified.stderr, /media: it was repaired: what could not be saved is not in it/);
  const restored = await run(`restore latest:media --to ${at('of-repaired')}`, damaged);
  assert.match(
    restored.stderr,
    /snapshot [0-9a-f]{8} of media was repaired: what could not be saved is not in it/,
  );
  assert.doesNotMatch(restored.stderr, /is partial/);
  const drilled = await run(`drill latest:media --scratch ${folder}`, damaged);
  assert.equal(drilled.status, 4, drilled.stderr);
  assert.match(drilled.stderr, /media: it was repaired: what could not be saved is not in it/);
});

/** Files so small as these lie in smaller packs than their folders. */
const smallPacks = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size < 250);

const commandsOfManuals = [
  ['postgres', 'psql -X -f 01-globals.sql postgres'],
  ['postgres', 'psql -X -v ON_ERROR_STOP=1 -f 00-database.sql postgres'],
  ['postgres', 'psql -X -v ON_ERROR_STOP=1 -f 01-pre-data.sql -f load.sql -f post-data.sql shop'],
  ['mysql', 'mariadb -f < 01-users.sql'],
  ['mysql', 'mariadb < 00-database.sql'],
  ['mysql', 'mariadb shop < 01-tables.sql'],
  ['mysql', 'mariadb --local-infile shop < load.sql'],
  ['mysql', 'mariadb shop < post-data.sql'],
  ['sqlite', 'cat create.sql data/*/*.sql finish.sql |'],
  ['sqlite', "sqlite3 -bail -cmd '.dbconfig defensive off' -cmd '.dbconfig dqs_ddl on' /srv/new.db"],
  ['sqlserver', 'sqlcmd -S server -U sa -x -b -I -f 65001 -i 00-database.sql'],
  ['mongodb', 'mongorestore --uri mongodb://restorer@'],
] as const;

test('a recovery kit says where the repository is and how to open it, and the password only when told', async () => {
  const file = at('kit.txt');
  assert.match(await done(`recovery-kit --output ${file}`), /kit.txt and .*kit.svg/);
  const text = readFileSync(file, 'utf8');
  const [key] = jsonLines(await done('key list --json'));
  assert.ok(text.includes(at('backups')) && text.includes(String(key?.id).slice(0, 16)));
  assert.match(text, /^Key check {6}[0-9a-f]{16}$/m);
  assert.doesNotMatch(text, /secret/);
  assert.doesNotMatch(text, /docs\//, 'a bare machine has no manuals');
  for (const [kind, line] of commandsOfManuals) {
    const manual = readFileSync(join(import.meta.dirname, '..', 'docs', 'sources', `${kind}.md`), 'utf8');
    assert.ok(manual.includes(line), `${kind}: ${line}`);
    assert.ok(text.replaceAll('<database>', 'shop').includes(line), line);
  }
  assert.match(readFileSync(at('kit.svg'), 'utf8'), /^<svg /);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal((await run(`recovery-kit --output ${file}`)).status, 15);
  assert.match(await done(`recovery-kit ${at('backups')} --with-password`), /^Password {7}secret$/m);
  assert.match(String(JSON.parse(await done('recovery-kit --json')).text), /^RECOVERY KIT/);
});
