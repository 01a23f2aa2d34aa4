// Jobs with several repositories and rules of their own, as a configuration file has them.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('cli-keep');
const at = (name: string): string => join(folder, name);
const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOLDFAST_CATALOG: at('catalog.db'), HOME: at('home') };
const run = (line: string): Promise<Outcome> => holdfast(line.split(' '), { env });
const done = async (line: string): Promise<string> => {
  const { status, stderr, stdout } = await run(line);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, line);
  return stdout;
};
const count = async (repository: string): Promise<number> =>
  jsonLines(await done(`-r ${repository} snapshots --json`)).filter(
    (line) => line.message_type === 'snapshot',
  ).length;

before(async () => {
  mkdirSync(at('media'));
  writeFileSync(at('media/menu.txt'), 'soup of the day');
  writeFileSync(
    at('holdfast.yaml'),
    `repositories:
  near: { store: ${at('near')}, password: one }
  far: { store: ${at('far')}, password: two }
sources:
  media: { kind: files, path: ${at('media')} }
jobs:
  nightly: { backup: [media], to: [near, { repository: far, keep: { last: 1 } }], keep: { last: 2 } }
`,
    { mode: 0o600 },
  );
  await makeRepository(at('near'), 'one');
});

test('one repository that fails leaves the other whole, and the status says 3', async () => {
  const { status, stderr } = await run('backup nightly');
  assert.equal(status, 3);
  assert.match(stderr, /far: there is no repository/);
  assert.equal(await count('near'), 1);
  await makeRepository(at('far'), 'two');
});

test('each repository keeps by its own rules after a good run', async () => {
  for (let round = 0; round < 3; round += 1) {
    writeFileSync(at('media/menu.txt'), `soup ${round}`);
    await done('backup nightly');
  }
  assert.deepEqual([await count('near'), await count('far')], [2, 1]);
  assert.equal(await done('-r far dump latest:media menu.txt'), 'soup 2');
});

test('a dry run says why each snapshot would be kept, and forgets nothing', async () => {
  const shown = await done('backup nightly --dry-run');
  assert.match(shown, /would keep \w{8}, media of .*: last$/m);
  assert.match(
    await done('forget'),
    /^nightly: near: forgot 0 snapshots, kept 2\nnightly: far: forgot 0 snapshots, kept 1$/m,
  );
  assert.deepEqual([await count('near'), await count('far')], [2, 1]);
});

test('a source, host or job that is misspelt is told from one that has nothing to forget', async () => {
  assert.match(await done('forget --source media --job nightly'), /forgot 0 snapshots/);
  for (const [option, message] of [
    ['--source medai', /no snapshot of source "medai"; did you mean "media"/],
    ['--host nowhere', /no snapshot from host "nowhere"/],
    ['--job nigthly', /did you mean "nightly"/],
  ] as const) {
    const { status, stderr } = await run(`forget ${option}`);
    assert.deepEqual([status > 0, message.test(stderr)], [true, true], stderr);
  }
  await makeRepository(at('empty'), 'one');
  const empty = await holdfast(['-r', at('empty'), 'forget', '--source', 'media', '--keep-last', '1'], {
    env: { HOME: at('home'), HOLDFAST_PASSWORD: 'one' },
  });
  assert.equal(empty.status, 0, empty.stderr);
});
