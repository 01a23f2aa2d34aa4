// What a daemon costs while nothing is due.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export interface IdleCost {
  readonly rssMiB: number;
  /** Of one processor, in the time that was watched. */
  readonly cpuMs: number;
}

/** A daemon with so many jobs, none of which is due, watched for so long once it has settled. Linux only. */
export const idleDaemon = async ({ jobs, forMs }: { jobs: number; forMs: number }): Promise<IdleCost> => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-idle-'));
  try {
    writeConfig(folder, jobs);
    await watch(folder, 0); // compiles, which a second start need not
    return await watch(folder, forMs);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const writeConfig = (folder: string, jobs: number): void => {
  const names = Array.from({ length: jobs }, (_, index) => index);
  const config = {
    repositories: { here: { store: join(folder, 'repository'), password: 'a password' } },
    sources: { data: { kind: 'files', path: folder } },
    jobs: Object.fromEntries(
      names.map((n) => [`job${n}`, { backup: ['data'], to: ['here'], schedule: yearly(n) }]),
    ),
  };
  writeFileSync(join(folder, 'holdfast.yaml'), JSON.stringify(config), { mode: 0o600 });
};

/** Half a year from now, so that none is due. */
const yearly = (n: number): object => ({
  cron: `${n % 60} 3 1 ${((new Date().getMonth() + 6) % 12) + 1} *`,
  timeZone: 'Europe/Berlin',
  jitter: '10m',
});

const settleMs = 10_000;

const watch = async (folder: string, forMs: number): Promise<IdleCost> => {
  const env = {
    PATH: process.env.PATH,
    HOLDFAST_CATALOG: join(folder, 'catalog.db'),
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
  };
  const daemon = spawn(process.execPath, [main, '-c', join(folder, 'holdfast.yaml'), 'daemon'], {
    env,
    stdio: 'ignore',
  });
  const pid = daemon.pid ?? 0;
  await sleep(settleMs);
  const before = cpuMs(pid);
  await sleep(forMs);
  const cost = { rssMiB: rssMiB(pid), cpuMs: cpuMs(pid) - before };
  daemon.kill('SIGTERM');
  await once(daemon, 'close');
  return cost;
};

const rssMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** User and system time (proc_pid_stat(5), fields 14 and 15), in ticks of ten milliseconds. */
const cpuMs = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
