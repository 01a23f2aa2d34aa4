// Commands around a job.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { startCli } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('hooks');
const at = (...parts: string[]): string => join(folder, ...parts);
const env = {
  HOLDFAST_CATALOG: at('state', 'catalog.db'),
  HOLDFAST_CONFIG: at('holdfast.yaml'),
  HOLDFAST_PASSWORD: 'hunter2 of the day',
  MAIL_PASSWORD: 'letmein',
  DATABASE_URL: 'postgres://holdfast:hunter2 of the day@db/shop',
  CHAT: 'https://chat.example.net/hooks/s3cret-way',
  STAGE: 'test',
};
Object.assign(process.env, env); // where secrets are looked for
const world = { PATH: process.env.PATH, ...env };

/** A file with one job, with these keys beside its verb; source `gone` fails. */
const writeConfig = (keys: object, sources = ['data']): void =>
  writeFileSync(
    at('holdfast.yaml'),
    JSON.stringify({
      repositories: { here: { store: at('backups'), password: { env: 'HOLDFAST_PASSWORD' } } },
      sources: {
        data: { kind: 'files', path: at('data') },
        gone: { kind: 'files', path: at('gone') },
      },
      notifiers: { chat: { kind: 'webhook', url: { env: 'CHAT' } } },
      jobs: { nightly: { backup: sources, to: ['here'], ...keys } },
    }),
    { mode: 0o600 },
  );

const runNightly = async (keys: object, sources?: string[]): Promise<Outcome> => {
  writeConfig(keys, sources);
  rmSync(at('said'), { force: true });
  return await holdfast(['run', 'nightly'], { env: world });
};

/** A hook that leaves a line. */
const says = (words: string): string => `echo "${words}" >> ${at('said')}`;
const said = (): string[] =>
  existsSync(at('said')) ? readFileSync(at('said'), 'utf8').trimEnd().split('\n') : [];

const lastRun = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await holdfast(['runs', 'latest', '--json'], { env: world })).stdout);
const lastLog = async (): Promise<string> =>
  (await holdfast(['runs', 'latest', '--log'], { env: world })).stdout;

before(async () => {
  mkdirSync(at('data'));
  writeFileSync(at('data', 'a'), 'a');
  writeConfig({});
  await makeRepository(at('backups'), env.HOLDFAST_PASSWORD);
});

test('hooks run before and after a job, each told what the job is and how it went', async () => {
  const tell = says(
    '$HOLDFAST_HOOK $HOLDFAST_JOB $HOLDFAST_VERB $HOLDFAST_STATE $HOLDFAST_STATUS $HOLDFAST_RUN',
  );
  const on = { success: tell, partial: tell, failure: tell };
  const result = await runNightly({ hooks: { before: tell, after: tell, on } });
  assert.equal(result.status, 0, result.stderr);
  const { id } = await lastRun();
  assert.deepEqual(said(), [
    `before nightly backup running  ${id}`,
    `after nightly backup succeeded 0 ${id}`,
    `success nightly backup succeeded 0 ${id}`,
  ]);
});

test('by how a job ended, the hooks for a partial run or a failure come', async () => {
  const on = { success: says('well'), partial: says('in part'), failure: says('badly: $HOLDFAST_ERROR') };
  assert.equal((await runNightly({ hooks: { on } }, ['data', 'gone'])).status, 3);
  assert.deepEqual(said(), ['in part']);
  assert.notEqual((await runNightly({ hooks: { on } }, ['gone'])).status, 0);
  assert.match(said().join(), /^badly: .*gone/);
});

test('a program and its arguments run without a shell, several in order', async () => {
  const hooks = {
    before: [{ command: ['sh', '-c', says('one')] }, { command: says('two'), timeLimit: '5s' }],
  };
  assert.equal((await runNightly({ hooks })).status, 0);
  assert.deepEqual(said(), ['one', 'two']);
});

test('a failing hook before the job stops it, is reported and recorded, and what comes after still comes', async () => {
  const hooks = {
    before: 'echo no power >&2; exit 4',
    after: says('after'),
    on: { failure: says('$HOLDFAST_ERROR') },
  };
  const { status, stderr } = await runNightly({ hooks });
  assert.equal(status, 1);
  assert.match(stderr, /^nightly: hook before \(echo no power.*\) failed with status 4\nhint: .*log/m);
  const { state, error, sources } = await lastRun();
  assert.deepEqual({ state, sources }, { state: 'failed', sources: [] });
  assert.match((error as { message: string }).message, /failed with status 4/);
  assert.deepEqual(said()[0], 'after');
  assert.match(said()[1] ?? '', /failed with status 4/);
  assert.match(await lastLog(), /before: no power\n/);
});

test('status 75 skips the job quietly, and is recorded', async () => {
  const { status, stderr } = await runNightly({ hooks: { before: 'exit 75', after: says('after') } });
  assert.deepEqual({ status, stderr, said: said() }, { status: 0, stderr: '', said: [] });
  assert.equal((await lastRun()).state, 'skipped');
});

test('a hook that fails after a good run makes it partial, which is said with the id of the run', async () => {
  const { status, stderr } = await runNightly({
    hooks: { after: 'exit 1', on: { partial: says('in part') } },
  });
  assert.equal(status, 3);
  const { id, state, error } = await lastRun();
  assert.equal(state, 'partial');
  assert.deepEqual(stderr.trimEnd().split('\n').slice(-3), [
    'nightly: hook after (exit 1) failed with status 1',
    `hint: see what it wrote with \`holdfast runs ${id} --log\``,
    `nightly: partial: all but a hook went well (run ${id})`,
  ]);
  assert.match((error as { message: string }).message, /hook after .* failed/);
  assert.deepEqual(said(), ['in part']);
});

test('a hook that takes too long is ended, with all that it started', async () => {
  const hooks = { before: { command: `(sleep 30; ${says('late')}) & wait`, timeLimit: '1s' } };
  const { status, stderr } = await runNightly({ hooks });
  assert.equal(status, 1);
  assert.match(stderr, /was ended after 1s, its time limit/);
});

test('what a hook leaves running may keep its output open for the time limit, and no longer', async () => {
  const leaves = `setsid sleep 60 & echo $! > ${at('left')}; ${says('done')}`;
  const { status, stderr } = await runNightly({ hooks: { after: { command: leaves, timeLimit: '1s' } } });
  process.kill(Number(readFileSync(at('left'), 'utf8'))); // it lives on: it has left the group
  assert.equal(status, 3);
  assert.match(stderr, /what it left running kept its output open for 1s, its time limit\nhint: redirect/);
  assert.deepEqual(said(), ['done']);
});

test('of a line that does not end the beginning is told', async () => {
  const { status, stdout } = await runNightly({
    hooks: { after: "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo done" },
  });
  assert.equal(status, 0);
  assert.match(stdout, /\nafter: x{16384,99999}…\nafter: done\n$/);
});

test('a program that is not there is named', async () => {
  const { stderr } = await runNightly({ hooks: { before: ['holdfast-no-such-program'] } });
  assert.match(stderr, /hook before \(holdfast-no-such-program\) could not be started: .*ENOENT/);
});

test('a hook sees the environment but no secret, and none reaches the log', async () => {
  const { status } = await runNightly({
    hooks: { before: `env > ${at('env')}`, after: 'echo the password is hunter2 of the day' },
  });
  assert.equal(status, 0);
  const seen = readFileSync(at('env'), 'utf8');
  assert.match(seen, /^STAGE=test$/m);
  assert.doesNotMatch(seen, /hunter2|letmein|s3cret-way/);
  const log = await lastLog();
  assert.match(log, /after: the password is •+\n/);
  assert.doesNotMatch(log, /hunter2/);
});

test('a job that takes longer than its limit has failed, and its hooks still come', async () => {
  const { status, stderr } = await runNightly({
    timeLimit: '1s',
    hooks: { before: 'exec sleep 30', after: says('$HOLDFAST_STATE') },
  });
  assert.equal(status, 1);
  assert.match(stderr, /nightly: took longer than 1s, its time limit/);
  assert.deepEqual(said(), ['failed']);
});

test('a cancelled job runs what comes after it, and is recorded as cancelled', async () => {
  writeConfig({
    hooks: { before: `${says('begun')}; echo begun; exec sleep 30`, after: says('$HOLDFAST_STATE') },
  });
  rmSync(at('said'), { force: true });
  const running = startCli(['run', 'nightly'], { env });
  while (!(await once(running.process.stdout as NodeJS.ReadableStream, 'data')).toString().includes('begun'));
  running.process.kill('SIGTERM');
  assert.equal((await running.result).status, 130);
  assert.deepEqual(said(), ['begun', 'cancelled']);
  assert.equal((await lastRun()).state, 'cancelled');
});

test('a second start does nothing or waits, as configured, and is recorded', async () => {
  const hold = `echo begun; while [ ! -e ${at('go')} ]; do sleep 0.05; done`;
  for (const overlap of ['skip', 'wait'] as const) {
    rmSync(at('go'), { force: true });
    writeConfig({ overlap, hooks: { before: hold } });
    const first = startCli(['run', 'nightly'], { env });
    while (!(await once(first.process.stdout as NodeJS.ReadableStream, 'data')).toString().includes('begun'));
    const second = startCli(['run', 'nightly'], { env });
    if (overlap === 'wait') await once(second.process.stdout as NodeJS.ReadableStream, 'data');
    else await second.result;
    writeFileSync(at('go'), '');
    const [one, two] = await Promise.all([first.result, second.result]);
    assert.deepEqual([one.status, two.status], [0, 0], one.stderr + two.stderr);
    const expected = overlap === 'wait' ? /waits for another run/ : /skipped: another run of it is not over/;
    assert.match(two.stdout, expected);
    const { stdout } = await holdfast(['runs', '--limit', '2', '--json'], { env: world });
    assert.equal(stdout.includes('"state":"skipped"'), overlap === 'skip');
  }
});

test('a job killed in the middle frees its lock at once', async () => {
  writeConfig({ hooks: { before: 'echo begun; exec sleep 30' } });
  const first = startCli(['run', 'nightly'], { env });
  while (!(await once(first.process.stdout as NodeJS.ReadableStream, 'data')).toString().includes('begun'));
  first.process.kill('SIGKILL');
  await first.result;
  assert.equal((await runNightly({})).status, 0);
});

test('a due time that has had its run gets no other', async () => {
  writeConfig({});
  const due = ['run', 'nightly', '--due', '2026-11-21T03:30:00Z'];
  assert.equal((await holdfast(due, { env: world })).status, 0);
  const again = await holdfast(due, { env: world });
  assert.deepEqual(
    { status: again.status, stdout: again.stdout },
    { status: 0, stdout: 'nightly: nothing to do, it has its run\n' },
  );
});

test('a run that an earlier daemon left goes on, and its due time gets no other', async () => {
  rmSync(at('go'), { force: true });
  writeConfig({ hooks: { before: `echo begun; while [ ! -e ${at('go')} ]; do sleep 0.05; done` } });
  const due = ['run', 'nightly', '--due', '2026-11-22T03:30:00Z'];
  const left = startCli(due, { env });
  while (!(await once(left.process.stdout as NodeJS.ReadableStream, 'data')).toString().includes('begun'));
  const { stdout } = await holdfast(due, { env: world });
  writeFileSync(at('go'), '');
  assert.equal((await left.result).status, 0);
  assert.equal(stdout, 'nightly: nothing to do, it has its run\n');
});

test('`runs latest --job` is the newest run of that job, and no option is ignored', async () => {
  await runNightly({});
  assert.equal((await holdfast(['check', '-r', 'here'], { env: world })).status, 0);
  const runs = (...words: string[]): Promise<Outcome> => holdfast(['runs', ...words], { env: world });
  assert.match((await runs('latest')).stdout, /^check: succeeded/);
  assert.match((await runs('latest', '--job', 'nightly')).stdout, /^backup nightly: succeeded/);
  assert.match((await runs('latest', '--job', 'nightly', '--log')).stdout, /data: snapshot/);
  for (const words of [
    ['latest', '--job', 'daily'],
    ['latest', '-n', '3'],
    ['2026', '--job', 'nightly'],
  ])
    assert.equal((await runs(...words)).status, 2, words.join(' '));
});
