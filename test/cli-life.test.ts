// The commands that care for a repository for years, as their users type them.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { jsonLines } from './tools/cli.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('cli-life');
const at = (...parts: string[]): string => join(folder, ...parts);
const env = {
  HOLDFAST_REPOSITORY: at('backups'),
  HOLDFAST_PASSWORD: 'correct horse',
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
  await done('init');
  await done(`backup ${at('media')}`);
  writeFileSync(at('media', 'menu.txt'), 'stew of the day, with bread\n');
  writeFileSync(at('media', 'new.txt'), 'new');
  rmSync(at('media', 'deep', 'photo.jpg'));
  await done(`backup ${at('media')}`);
  await done(`backup ${at('media')} --tag third`);
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
});
