// What the numbers were measured on.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGibibytes: number;
  readonly system: string;
  readonly fileSystem: string;
  readonly node: string;
  /** Of the last minute, before the benchmark began. */
  readonly load: number;
}

/** The machine, and the file system that the folder lies on. */
export const describeMachine = (folder: string): Machine => ({
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryGibibytes: Math.round(totalmem() / 1024 ** 3),
  system: `${distribution()}, Linux ${release()}`,
  fileSystem: execFileSync('stat', ['--file-system', '--format=%T', folder], { encoding: 'utf8' }).trim(),
  node: process.version,
  load: loadavg()[0] ?? 0,
});

const distribution = (): string =>
  /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
