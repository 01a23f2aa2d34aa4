// The daemon as a process: what it starts, how it stops, and what becomes of it when it is killed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openCatalog } from '../src/catalog/catalog.ts';
import type { Run } from '../src/catalog/run.ts';
import { holdfast } from '../src/cli/testing.ts';
import { type RunningCli, runCli, startCli } from './tools/cli.ts';
import { killDaemon } from './tools/kill-daemon.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('daemon');
const at = (...parts: string[]): string => join(folder, ...parts);
let catalogs = 0;

/** A catalog of its own for each test, and a file with these jobs. */
const place = (jobs: object, more: object = {}): Readonly<Record<string, string>> => {
  const name = `place-${++catalogs}`;
  mkdirSync(at(name));
  const file = at(name, 'holdfast.yaml');
  writeConfig(file, jobs, more);
  return { HOLDFAST_CATALOG: at(name, 'catalog.db'), HOLDFAST_CONFIG: file };
};

const writeConfig = (file: string, jobs: object, more: object = {}): void =>
  writeFileSync(
    file,
    JSON.stringify({
      repositories: { here: { store: at('backups'), password: 'a password' } },
      sources: { data: { kind: 'files', path: at('data') } },
      jobs: Object.fromEntries(
        Object.entries(jobs).map(([name, keys]) => [name, { backup: ['data'], to: ['here'], ...keys }]),
      ),
      ...more,
    }),
    { mode: 0o600 },
  );

before(async () => {
  mkdirSync(at('data'));
  writeFileSync(at('data', 'file'), 'content');
  await makeRepository(at('backups'), 'a password');
});

/** Reads what the daemon says until it has said this. */
const says = async (daemon: RunningCli, pattern: RegExp): Promise<string> => {
  let said = '';
  for await (const [chunk] of onData(daemon)) {
    said += String(chunk);
    if (pattern.test(said)) return said;
  }
  throw new Error(`ended without ${pattern}: ${said}`);
};

async function* onData({ process: { stderr }, result }: RunningCli): AsyncGenerator<unknown[]> {
  if (stderr === null) return;
  for (;;) {
    const next = await Promise.race([once(stderr, 'data'), result]);
    if (!Array.isArray(next)) return;
    yield next;
  }
}

const runsOf = (env: Readonly<Record<string, string>>): Run[] => {
  using catalog = openCatalog(env.HOLDFAST_CATALOG as string, {
    warn: assert.fail as (text: string) => never,
  });
  return catalog.runs().toReversed();
};

test('the daemon and its jobs are killed at random, and no due time is lost or run twice', async () => {
  const { daemonsKilled, jobsKilled, dueTimes, runs } = await killDaemon({ forMs: 7000, seed: 7 });
  assert.ok(daemonsKilled + jobsKilled >= 2 && dueTimes >= 4 && runs >= 4);
});

test('a daemon that is stopped while it starts has not failed', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs /proc, to see when it has begun to start');
  const env = {
    ...place({}),
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'tools', 'held-reader.ts')}`,
    READ_WHEN_THERE: at('read'),
  };
  const { process: daemon, result } = startCli(['daemon'], { env });
  const children = `/proc/${daemon.pid}/task/${daemon.pid}/children`;
  while (readFileSync(children, 'utf8') === '') await setTimeout(5); // one reads its configuration
  daemon.kill('SIGTERM');
  writeFileSync(at('read'), '');
  const { status, stderr } = await result;
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});

test('a catalog that cannot be used is no mistake in the configuration', async () => {
  const env = place({});
  const { status, stderr } = await runCli(['daemon'], {
    env: { ...env, HOLDFAST_CATALOG: '/dev/null/catalog.db' },
  });
  assert.equal(status, 1);
  assert.match(stderr, /cannot use the catalog/);
});

test('a daemon that is stopped lets a job end, or cancels it at the deadline and runs it again when it is back', async () => {
  const hold = `[ -e ${at('again')} ] || { touch ${at('again')}; exec sleep 60; }`;
  const env = place(
    { slow: { schedule: { every: '1h' }, hooks: { before: hold } } },
    { daemon: { stopTimeout: '1s' } },
  );
  const daemon = startCli(['daemon'], { env });
  while (!existsSync(at('again'))) await setTimeout(20); // it has a run in the catalog then, and is in its hook
  daemon.process.kill('SIGTERM');
  const { status, stderr } = await daemon.result;
  assert.equal(status, 0, stderr);
  const [cancelled] = runsOf(env);
  assert.equal(cancelled?.state, 'cancelled');
  const next = startCli(['daemon'], { env });
  await says(next, /slow: done/);
  next.process.kill('SIGTERM');
  assert.equal((await next.result).status, 0);
  const [, again] = runsOf(env);
  assert.deepEqual({ state: again?.state, due: again?.due }, { state: 'succeeded', due: cancelled?.due });
});

test('a run during which a clock that was a year ahead is set right has not failed', async () => {
  const hold = `touch ${at('begun')}; until [ -e ${at('right')} ]; do sleep 0.05; done`;
  const env = {
    ...place({ slow: { schedule: { every: '1h' }, hooks: { before: hold } } }),
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'tools', 'shifted-clock.ts')}`,
    CLOCK_AHEAD_MS: String(365 * 86_400_000),
    CLOCK_RIGHT_FILE: at('right'),
  };
  const daemon = startCli(['daemon'], { env });
  while (!existsSync(at('begun'))) await setTimeout(20);
  writeFileSync(at('right'), '');
  await says(daemon, /slow: done(.|\n)*slow: done/);
  daemon.process.kill('SIGTERM');
  await daemon.result;
  assert.deepEqual(
    runsOf(env).map(({ state }) => state),
    ['succeeded', 'succeeded'],
  );
});

test('a catalog that breaks while the daemon runs stops no job', async () => {
  const env = place({ one: { schedule: { every: '1s' } } });
  const daemon = startCli(['daemon'], { env });
  await says(daemon, /one: done/);
  for (const end of ['', '-wal']) {
    const file = `${env.HOLDFAST_CATALOG}${end}`;
    if (existsSync(file)) writeFileSync(file, Buffer.alloc(statSync(file).size, 0xff), { flag: 'r+' });
  }
  // Its jobs see it at once; the daemon itself when it needs what it has not read before.
  await says(daemon, /(cannot use the|is no) catalog(.|\n)*one: done(.|\n)*one: done/);
  daemon.process.kill('SIGTERM');
  assert.equal((await daemon.result).status, 0);
});

test('a hangup reads the configuration anew, and a wrong one changes nothing', async () => {
  const env = place({ one: { schedule: '0 0 1 1 *' } }, { logs: { folder: at('logs') } });
  const file = env.HOLDFAST_CONFIG as string;
  const daemon = startCli(['daemon'], { env });
  await says(daemon, /watches 1 job /);
  writeFileSync(file, 'jobs: [');
  daemon.process.kill('SIGHUP');
  const refusal = await says(daemon, /stays as it was.*\n/);
  assert.match(refusal, /holdfast\.yaml:1:/);
  writeConfig(
    file,
    { one: { schedule: '0 0 1 1 *' }, two: { schedule: { every: '1h' } } },
    { logs: { folder: at('logs') } },
  );
  daemon.process.kill('SIGHUP');
  await says(daemon, /two: done/);
  const second = await runCli(['daemon'], { env });
  assert.deepEqual([second.status, /another daemon runs the jobs of/.test(second.stderr)], [1, true]);
  daemon.process.kill('SIGTERM');
  await daemon.result;
  const day = new Date();
  const log = readFileSync(
    at(
      'logs',
      `holdfast-${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, '0')}-${String(day.getDate()).padStart(2, '0')}.log`,
    ),
    'utf8',
  );
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
  const [run] = runsOf(env);
  assert.ok(lines.some((line) => line.job === 'two' && line.msg === 'done'));
  assert.ok(lines.some((line) => line.run === run?.id && line.msg?.startsWith('data: snapshot')));
});

test('the schedule tells when each job runs next', async () => {
  const env = place({
    nightly: { schedule: { cron: '30 3 * * *', timeZone: 'UTC', jitter: '1s' } },
    often: { schedule: { every: '15m' } },
  });
  const { stdout } = await holdfast(['schedule'], { env });
  assert.match(
    stdout,
    /^nightly +backup +30 3 \* \* \* \(UTC\), up to 1s later +\d{4}-\d\d-\d\d \d\d:\d\d:0\d$/m,
  );
  assert.match(stdout, /^often +backup +every 15m +now$/m);
});
