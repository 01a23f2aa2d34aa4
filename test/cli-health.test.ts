// How everything stands, as `status` and `metrics` tell it: by what lies in the stores, not only by what jobs said.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { type Clock, systemClock } from '../src/lib/clock.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('health');
const at = (...parts: string[]): string => join(folder, ...parts);
const env = { HOLDFAST_CATALOG: at('catalog.db'), HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
const later = (hours: number): Clock => ({
  ...systemClock,
  now: () => new Date(Date.now() + hours * 3_600_000),
});
const run = (line: string, clock: Clock = systemClock): Promise<Outcome> =>
  holdfast(line.split(' '), { env, clock });
const files = (count: number): void => {
  rmSync(at('media'), { recursive: true, force: true });
  mkdirSync(at('media'));
  for (let n = 0; n < count; n += 1) writeFileSync(at('media', `photo-${n}`), `photo ${n}`);
};

before(async () => {
  writeFileSync(
    at('holdfast.yaml'),
    `repositories:
  nearby: { store: ${at('store')}, password: correct-horse }
sources:
  media: { kind: files, path: ${at('media')} }
jobs:
  nightly: { backup: [media], to: [nearby], keep: { last: 1 } }
`,
    { mode: 0o600 },
  );
  files(20);
  await makeRepository(at('store'), 'correct-horse');
});

test('what never ran is not well, and what ran is, with its size and room', async () => {
  const never = await run('status');
  assert.equal(never.status, 1);
  assert.match(never.stdout, /nightly {2}never ran/);
  assert.match(never.stdout, /media +nearby +none +NO GOOD SNAPSHOT/);
  assert.match(never.stdout, /not all is well: media in nearby: no good snapshot; job nightly: never ran\n$/);
  assert.equal((await run('run nightly')).status, 0);
  const { status, stdout } = await run('status');
  assert.match(stdout, /media +nearby +[0-9a-f]{8}, just now +\d+ B +ok/);
  assert.match(stdout, /nearby +1 +.*iB of .*iB/);
  assert.match(stdout, /all is well\n$/);
  assert.equal(status, 0);
});

test('two jobs with the same source and repository are told apart', async () => {
  const text = readFileSync(at('holdfast.yaml'), 'utf8');
  writeFileSync(at('two.yaml'), `${text}  hourly: { backup: [media], to: [nearby], maxAge: 1h }\n`, {
    mode: 0o600,
  });
  const { stdout } = await run(`status --config ${at('two.yaml')}`, later(2));
  assert.match(stdout, /media +nearby +nightly +[0-9a-f]{8}, .* ok\n/);
  assert.match(stdout, /media +nearby +hourly +[0-9a-f]{8}, .* LATE/);
  const nagios = await run(`status --nagios --config ${at('two.yaml')}`, later(2));
  assert.match(nagios.stdout, / 'media in nearby, nightly'=\d+s;;.* 'media in nearby, hourly'=\d+s;;/);
});

test('an age is judged by the newest good snapshot in the repository', async () => {
  assert.equal((await run('status --max-age 26h', later(25))).status, 0);
  const late = await run('status --max-age 26h', later(27));
  assert.equal(late.status, 1);
  assert.match(late.stdout, /LATE: should be newer than/);
  assert.equal((await run('status --max-age 26')).status, 2);
});

test('a monitor gets one line, its figures, and its own statuses', async () => {
  const ok = await run('status --nagios --max-age 26h');
  assert.match(
    ok.stdout,
    /^HOLDFAST OK - 1 job, 1 source; the oldest good snapshot is of just now \| 'media in nearby'=\d+s;;93600;0\n$/,
  );
  assert.equal(ok.status, 0);
  const late = await run('status --nagios --max-age 1h', later(2));
  assert.match(late.stdout, /^HOLDFAST CRITICAL - media in nearby: too old \|/);
  assert.equal(late.status, 2);
  const unknown = await run('status --nagios --config /no|where.yaml');
  assert.match(unknown.stdout, /^HOLDFAST UNKNOWN - [^|]*\/no\/where\.yaml[^|]*\n$/, 'a bar begins figures');
  assert.equal(unknown.status, 3);
  writeFileSync(at('empty.yaml'), 'repositories: {}');
  const nothing = await holdfast(['status', '--nagios', '-c', at('empty.yaml')], {
    env: { HOLDFAST_CATALOG: at('nothing.db'), HOME: at('home') },
  });
  assert.match(nothing.stdout, /^HOLDFAST UNKNOWN - no job is configured and none ever ran: /);
  assert.equal(nothing.status, 3);
});

test('a suspicious run holds everything back until it is accepted', async () => {
  files(2);
  const odd = await run('run nightly');
  assert.equal(odd.status, 3);
  assert.match(odd.stderr, /media: the snapshot is stored, but it has 2 files, 90 % less/);
  assert.match(odd.stderr, /hint: nothing is forgotten meanwhile; if all is right, `holdfast accept \d+-/);
  assert.match((await run('snapshots')).stdout, /\n2 snapshots\n$/, 'nothing was forgotten');
  const status = await run('status');
  assert.equal(status.status, 1);
  assert.match(status.stdout, /the newest is suspicious/);
  const nagios = await run('status --nagios');
  assert.deepEqual([nagios.status, nagios.stdout.slice(0, 24)], [1, 'HOLDFAST WARNING - media']);
  assert.equal((await run('forget')).status, 0);
  assert.match((await run('snapshots')).stdout, /\n2 snapshots\n$/, 'nor by hand');

  assert.match((await run('accept latest')).stdout, /^media in nearby: snapshot [0-9a-f]{8} is accepted\n$/);
  assert.equal((await run('accept latest')).status, 1);
  assert.equal((await run('run nightly')).status, 0);
  assert.match((await run('snapshots')).stdout, /\n1 snapshot\n$/);
});

test('a snapshot that somebody removed is missed, though every run succeeded', async () => {
  const [snapshot] = jsonLines((await run('snapshots --json')).stdout);
  assert.equal((await run(`forget ${String(snapshot?.id).slice(0, 8)} --force`)).status, 0);
  const { status, stdout } = await run('status');
  assert.equal(status, 1);
  assert.match(stdout, /NO GOOD SNAPSHOT/);
  assert.match(stdout, /nightly {2}succeeded/);
  assert.equal((await run('status --offline')).status, 0, 'the runs alone do not know');
  assert.equal((await run('run nightly')).status, 0);
});

test('a repository that is away is not well, and the rest is still told', async () => {
  renameSync(at('store'), at('away'));
  const { status, stdout } = await run('status');
  renameSync(at('away'), at('store'));
  assert.equal(status, 1);
  assert.match(stdout, /nearby {2}.*there is no repository/i);
  assert.match(stdout, /media .* unknown: the repository cannot be looked at/);
});

test('the same as figures for Prometheus, printed or in a file that is never half written', async () => {
  const { stdout } = await run('metrics');
  assert.match(stdout, /^# TYPE holdfast_source_last_good_seconds gauge$/m);
  assert.match(
    stdout,
    /^holdfast_source_last_good_seconds\{job="nightly",source="media",repository="nearby"\} \d+/m,
  );
  assert.match(stdout, /^holdfast_job_well\{job="nightly"\} 1$/m);
  assert.match(stdout, /^holdfast_repository_free_bytes\{repository="nearby"\} \d+$/m);
  for (const line of stdout.trimEnd().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) holdfast_\w+ .+|holdfast_\w+(\{.*\})? -?[\d.e+]+)$/);
  const umask = process.umask(0o077);
  assert.equal((await run(`metrics --textfile ${at('holdfast.prom')}`)).status, 0);
  process.umask(umask);
  assert.equal(statSync(at('holdfast.prom')).mode & 0o777, 0o644);
  assert.match(readFileSync(at('holdfast.prom'), 'utf8'), /^holdfast_job_well/m);
  assert.equal((await run(`metrics --textfile ${at('nowhere', 'x.prom')}`)).status, 1);
});

test('a run and a snapshot of a clock that was ahead hide nothing that comes after', async () => {
  files(20);
  assert.equal((await run('run nightly', later(24 * 365))).status, 0);
  rmSync(at('media'), { recursive: true });
  assert.equal((await run('run nightly')).status, 13);
  const { status, stdout } = await run('status --max-age 1h', later(2));
  assert.equal(status, 1);
  assert.match(stdout, /nightly {2}failed/);
  assert.match(stdout, /media +nearby +none +NO GOOD SNAPSHOT/);
  files(20);
  assert.equal((await run('run nightly')).status, 0);
  assert.equal((await run('status --max-age 1h')).status, 0);
  const { stderr } = await run(`restore latest:media --to ${at('ahead')}`);
  assert.match(stderr, /is dated in the future \(20.*\nhint: the newest complete one is/);
});
