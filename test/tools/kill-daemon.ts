// A daemon on a schedule of seconds, it and its jobs killed at random moments; afterwards every due time must have been dealt
// with once: run, or covered by a later run.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/lib/random.ts';
import { runCli } from './cli.ts';

export interface DaemonKills {
  /** For so long, and until there were two kills. */
  readonly forMs: number;
  readonly seed: number;
  readonly onKill?: (line: string) => void;
}

export interface DaemonReport {
  readonly daemonsKilled: number;
  readonly jobsKilled: number;
  readonly dueTimes: number;
  readonly runs: number;
  /** Runs for a due time whose first run was killed. */
  readonly again: number;
}

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const periods = { one: 3, two: 4 } as const;

export const killDaemon = async ({ forMs, seed, onKill }: DaemonKills): Promise<DaemonReport> => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-kill-daemon-'));
  const env = {
    HOLDFAST_CATALOG: join(folder, 'catalog.db'),
    HOLDFAST_CONFIG: join(folder, 'holdfast.yaml'),
  };
  try {
    writeConfig(folder);
    assert.equal((await runCli(['init', 'here'], { env })).status, 0);
    assert.equal((await runCli(['runs'], { env })).status, 0); // makes the catalog
    const killed = await killAtRandom(env, { forMs, seed, ...(onKill && { onKill }) });
    return { ...killed, ...accountOf(env.HOLDFAST_CATALOG) };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
};

const writeConfig = (folder: string): void => {
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data', 'file'), 'content');
  const backup = { backup: ['data'], to: ['here'] };
  const config = {
    repositories: { here: { store: join(folder, 'repository'), password: 'a password' } },
    sources: { data: { kind: 'files', path: join(folder, 'data') } },
    jobs: {
      one: { ...backup, schedule: { every: `${periods.one}s` } },
      two: { ...backup, schedule: { every: `${periods.two}s` }, overlap: 'wait' },
    },
  };
  writeFileSync(join(folder, 'holdfast.yaml'), JSON.stringify(config), { mode: 0o600 });
};

const killAtRandom = async (
  env: Readonly<Record<string, string>>,
  { forMs, seed, onKill }: DaemonKills,
): Promise<{ daemonsKilled: number; jobsKilled: number }> => {
  const random = seededRandom(seed);
  const end = Date.now() + forMs;
  let daemonsKilled = 0;
  let jobsKilled = 0;
  let killedAt = 0;
  let daemon = startDaemon(env);
  try {
    while (Date.now() < end || daemonsKilled + jobsKilled < 2) {
      await sleep(random.integer(500, 3500));
      const job = random.chance(0.6) ? runningJob(env.HOLDFAST_CATALOG ?? '') : undefined;
      killedAt = Date.now();
      if (job !== undefined) {
        kill(job);
        jobsKilled += 1;
        onKill?.(`killed job ${job}`);
      } else {
        await killOne(daemon);
        daemonsKilled += 1;
        onKill?.('killed the daemon');
        await sleep(random.integer(0, 2500));
        daemon = startDaemon(env);
      }
    }
    while (!hasRunSince(env.HOLDFAST_CATALOG ?? '', killedAt) || !isWatching(daemon)) {
      assertAlive(daemon);
      await sleep(100); // what was killed last gets its other run, perhaps from a daemon that is no more
    }
    daemon.kill('SIGTERM');
    const [status] = await once(daemon, 'exit');
    assert.equal(status, 0, said.get(daemon));
  } finally {
    daemon.kill('SIGKILL');
  }
  return { daemonsKilled, jobsKilled };
};

const startDaemon = (env: Readonly<Record<string, string>>): ChildProcess => {
  const daemon = spawn(process.execPath, [main, 'daemon'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.set(daemon, (said.get(daemon) ?? '') + text);
  });
  return daemon;
};

/** What each daemon wrote. */
const said = new WeakMap<ChildProcess, string>();

/** Before that, a signal just ends it. */
const isWatching = (daemon: ChildProcess): boolean => said.get(daemon)?.includes('watches 2 jobs') ?? false;

const assertAlive = (daemon: ChildProcess): void => {
  const isThere = daemon.exitCode === null && daemon.signalCode === null;
  assert.ok(isThere, `a daemon ended by itself: ${said.get(daemon)}`);
};

const killOne = async (daemon: ChildProcess): Promise<void> => {
  assertAlive(daemon);
  daemon.kill('SIGKILL');
  await once(daemon, 'exit'); // its jobs still have its standard error open
};

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
};

const runningJob = (catalog: string): number | undefined => {
  using database = new DatabaseSync(catalog, { readOnly: true, timeout: 5000 });
  const pids = database
    .prepare(`SELECT pid FROM runs WHERE state = 'running' ORDER BY started_ms DESC`)
    .all();
  return pids.map(({ pid }) => Number(pid)).find((pid) => isThere(pid));
};

/** Whether each job has had two runs, of which one began after that. */
const hasRunSince = (catalog: string, sinceMs: number): boolean => {
  using database = new DatabaseSync(catalog, { readOnly: true, timeout: 5000 });
  const count = database.prepare(
    `SELECT count(*) AS runs, max(started_ms) AS last FROM runs WHERE job = ? AND state = 'succeeded'`,
  );
  return Object.keys(periods).every((job) => {
    const { runs, last } = count.get(job) ?? {};
    return Number(runs) >= 2 && Number(last) > sinceMs;
  });
};

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

interface Row {
  readonly due_ms: number;
  readonly covers: number;
  readonly state: string;
  readonly started_ms: number;
  readonly ended_ms: number | null;
}

/** Fails when a due time was lost or had two runs, or a job ran beside itself. */
const accountOf = (catalog: string): Pick<DaemonReport, 'dueTimes' | 'runs' | 'again'> => {
  using database = new DatabaseSync(catalog, { readOnly: true });
  let dueTimes = 0;
  let runs = 0;
  let again = 0;
  for (const [job, seconds] of Object.entries(periods)) {
    const rows = database
      .prepare(
        'SELECT due_ms, covers, state, started_ms, ended_ms FROM runs WHERE job = ? ORDER BY due_ms, started_ms',
      )
      .all(job) as unknown as Row[];
    const done = rows.filter(({ state }) => state !== 'running');
    assert.ok(done.length > 0, `${job} never ran`);
    assert.deepEqual(
      done.filter(({ state }) => !['succeeded', 'skipped'].includes(state)),
      [],
    );
    assert.equal(
      new Set(done.map(({ due_ms }) => due_ms)).size,
      done.length,
      `${job} had two runs for a due time`,
    );
    refuseLost(job, seconds * 1000, done);
    refuseBeside(job, done);
    const last = done.at(-1)?.due_ms ?? 0;
    assert.deepEqual(
      rows.filter(({ due_ms }) => due_ms > last).slice(1),
      [],
      `${job}: a killed run was not repeated`,
    );
    dueTimes += (last - (done[0]?.due_ms ?? 0)) / (seconds * 1000) + 1;
    runs += rows.length;
    again += rows.length - done.length;
  }
  return { dueTimes, runs, again };
};

/** Each run stands for all due times since the one before it. */
const refuseLost = (job: string, periodMs: number, done: readonly Row[]): void => {
  for (const [index, { due_ms, covers }] of done.entries()) {
    const before = done[index - 1];
    if (before === undefined) continue;
    const passed = (due_ms - before.due_ms) / periodMs;
    assert.ok(Number.isInteger(passed) && covers >= passed, `${job}: ${passed - covers} due times were lost`);
  }
};

const refuseBeside = (job: string, done: readonly Row[]): void => {
  const ran = done
    .filter(({ state }) => state === 'succeeded')
    .toSorted((a, b) => a.started_ms - b.started_ms);
  for (const [index, { started_ms }] of ran.entries())
    assert.ok(started_ms >= (ran[index - 1]?.ended_ms ?? 0), `${job} ran beside itself`);
};
