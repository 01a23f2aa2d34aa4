// The commands with a holdfast.yaml: jobs, several repositories, what is remembered of them.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { jsonLines } from './tools/cli.ts';
import { hastenKey } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('config');
const at = (...parts: string[]): string => join(folder, ...parts);
const file = at('holdfast.yaml');
const env = { HOLDFAST_CONFIG: file, OFFSITE_PASSWORD: 'offsite secret', HOME: at('home') };
const run = (line: string): Promise<Outcome> => holdfast(line.split(' '), { env });
const done = async (line: string): Promise<string> => {
  const outcome = await run(line);
  assert.deepEqual({ status: outcome.status, stderr: outcome.stderr }, { status: 0, stderr: '' }, line);
  return outcome.stdout;
};

const yaml = `
repositories:
  here: { store: ${at('here')}, password: { file: ${at('password')} } }
  offsite: { store: ${at('offsite')}, password: "\${OFFSITE_PASSWORD}" }
sources:
  media: { kind: files, path: ${at('media')} }
  gone: { kind: files, path: ${at('gone')} }
jobs:
  nightly: { backup: [media], to: [here] }
  everywhere: { backup: [media], to: [offsite, here] }
  hopeless: { backup: [gone], to: [here] }
  weekly: { check: [here], readData: true }
catalog: ${at('catalog.db')}
`;

before(() => {
  mkdirSync(at('media'));
  writeFileSync(at('media', 'menu.txt'), 'soup of the day\n');
  writeFileSync(at('password'), 'local secret\n');
  writeFileSync(file, yaml);
  for (const name of ['password', 'holdfast.yaml']) chmodSync(at(name), 0o600);
});

test('the file is validated and shown, with secrets as dots', async () => {
  assert.match(await done('config validate'), /is valid: 2 repositories, 2 sources, 4 jobs/);
  const shown = await done('config show');
  assert.match(shown, /nightly:/);
  assert.doesNotMatch(shown, /secret/);
  assert.equal(JSON.parse(await done('config schema')).title, 'holdfast.yaml');
});

test('whichever command reads the file, what is unwise in it is told', async () => {
  const open = at('open.yaml');
  const sites = `console: { bulletins: ${at('bulletins')}, identity: { file: ${at('password')} } }`;
  writeFileSync(open, `repositories: { here: { store: ${at('here')}, password: p } }\n${sites}\n`, {
    mode: 0o644,
  });
  for (const line of ['sites --forget west', 'schedule', `install --root ${at('root')}`, 'runs']) {
    const { stderr } = await run(`${line} --config ${open}`);
    assert.match(stderr, /open\.yaml holds a secret and is open to other users: chmod 600 /, line);
  }
});

test('a mistake in the file is status 2 with its line and the nearest key', async () => {
  writeFileSync(at('wrong.yaml'), yaml.replace('readData', 'readDate').replace('kind: files', 'kind: fils'));
  const { status, stderr } = await run(`config validate --config ${at('wrong.yaml')}`);
  assert.equal(status, 2);
  assert.match(stderr, /wrong.yaml:6:\d+: sources.media.kind: .*did you mean "files"/);
  assert.match(stderr, /wrong.yaml:12:\d+: jobs.weekly.readDate: unknown key; did you mean "readData"/);
});

test('of several repositories one has to be named, and a mistyped one is guessed', async () => {
  const { status, stderr } = await run('snapshots');
  assert.equal(status, 2);
  assert.match(stderr, /has 2 repositories: here, offsite\nhint: say which: -r here/);
  assert.match((await run('-r ofsite snapshots')).stderr, /did you mean "offsite"\?/);
});

test('a job backs up, is remembered, and shows in status', async () => {
  await done('init here');
  await hastenKey(at('here'), 'local secret');
  assert.match(await done('backup nightly --tag by-hand'), /^media: snapshot \w{8} in here: 1 file/m);
  const [snapshot] = jsonLines(await done('-r here snapshots --job nightly --json'));
  const tags = snapshot?.tags as string[];
  assert.ok(tags.includes('job:nightly') && tags.includes('by-hand'));
  assert.match(await done('runs --job nightly'), /nightly +backup +succeeded/);
  assert.match(await done('runs latest'), /^backup nightly: succeeded$/m);
  const { status, stdout } = await run('status');
  assert.equal(status, 1);
  assert.match(stdout, /^nightly +succeeded +just now +just now$/m);
  assert.match(stdout, /^weekly +never ran$/m);
});

test('a repository that fails does not spoil the other', async () => {
  const { status, stdout, stderr } = await run('run everywhere');
  assert.equal(status, 3);
  assert.match(stderr, /^offsite: .*no repository.*\nhint: .*init/m);
  assert.match(stdout, /^media: snapshot \w{8} in here/m);
  assert.match(
    await done('runs latest'),
    /media \(files\) in here: ok, .*\nmedia \(files\) in offsite: skipped: /,
  );
});

test('run runs any job; with several, all are run and the status tells of all', async () => {
  assert.match(await done('run weekly'), /here: no problem found/);
  const { status, stdout } = await run('run hopeless weekly');
  assert.equal(status, 3);
  assert.match(stdout, /here: no problem found/);
  assert.equal((await run('run hopeless')).status, 13);
  const messages = jsonLines((await run('run hopeless weekly --json')).stdout);
  assert.deepEqual([messages.at(-1)?.message_type, messages.at(-1)?.status], ['summary', 3]);
});

test('backup without words runs the backup jobs, and only those', async () => {
  const { status, stdout } = await run('backup --dry-run');
  assert.equal(status, 3);
  assert.match(stdout, /^media: dry run, nothing stored/m);
  assert.doesNotMatch(stdout, /problem found/);
});

test('a source of the file is backed up into a repository that is named', async () => {
  assert.match(await done('-r here backup media'), /^media: snapshot \w{8} in here/m);
});

test('what does not fit a job is refused, not ignored', async () => {
  const mistakes: [string, RegExp][] = [
    ['-r here backup nightly', /-r means nothing for a job \(nightly\)/],
    ['-r here run nightly', /-r means nothing for `run`/],
    ['status --password-file x', /--password-file means nothing for `status`/],
    ['backup nightly --tag source:x', /"source:x" cannot be a tag/],
    ['backup nightly --exclude x', /are not for jobs/],
    ['backup nightly media', /nightly is a job, and media is not/],
    ['backup weekly', /is no backup job: it does "check"\nhint: `holdfast run weekly`/],
    ['run nigthly', /no job called "nigthly"; did you mean "nightly"\?/],
    ['-r here backup mdia', /no job or source called "mdia"; did you mean "media"\?/],
    ['backup nigthly', /no job or source called "nigthly"; did you mean "nightly"\?/],
    ['-r here backup elsewhere', /no job or source .*\nhint: .*a file or folder is written .\/elsewhere/],
    ['-r here backup media --exclude *.txt', /not for media, which is a source of/],
  ];
  for (const [line, message] of mistakes) {
    const { status, stderr } = await run(line);
    assert.equal(status, 2, line);
    assert.match(stderr, message);
  }
});

test('a catalog that cannot be opened is a warning for a backup, and an error for those who ask it', async () => {
  const world = { env: { ...env, HOLDFAST_CATALOG: at('media', 'menu.txt', 'catalog.db') } };
  const backup = await holdfast(['backup', 'nightly'], world);
  assert.equal(backup.status, 0);
  assert.match(backup.stderr, /this run will not be remembered/);
  assert.equal((await holdfast(['runs'], world)).status, 1);
});
