// One command, measured: wall time, processor time of all it started, and the most memory that was in use at once.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** A line of shell as a person would type it; what differs from run to run stands in the environment. */
export interface Command {
  readonly line: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Measurement {
  readonly wallSeconds: number;
  /** User and system time of every process of the command, servers it talks to not included. */
  readonly cpuSeconds: number;
  /** The kernel's high-water marks (VmHWM) of the processes alive at once, added up. */
  readonly peakBytes: number;
}

/** Bash tells the processor time of its children; the line's own standard error stays apart on descriptor 2. */
const script = (line: string): string => `${line}\nstatus=$?\ntimes >&3\nexit $status`;

const sampleMs = 20;
/** More than any of the commands takes anew, be it for itself or for what it writes. */
const mostBacked = 4 * 1024 ** 3;

/** Runs the command to its end; a status other than 0 is an error that shows what it printed. */
export const measure = async ({ line, env }: Command): Promise<Measurement> => {
  backMemory();
  execFileSync('sync'); // what was written before must not be paid for now
  const started = process.hrtime.bigint();
  const child = spawn('bash', ['-o', 'pipefail', '-c', script(line)], {
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let peakBytes = 0;
  const sample = (): void => {
    peakBytes = Math.max(peakBytes, memoryBelow(child.pid ?? 0));
  };
  const timer = setInterval(sample, sampleMs);
  try {
    const printed = Promise.all(child.stdio.slice(1).map((stream) => text(stream as Readable)));
    const [status] = (await once(child, 'exit')) as [number | null];
    const wallSeconds = Number(process.hrtime.bigint() - started) / 1e9;
    const [output = '', errors = '', times = ''] = await printed;
    if (status !== 0) throw new Error(`«${line}» ended with ${status}:\n${errors}${output}`);
    return { wallSeconds, cpuSeconds: childrenSeconds(times), peakBytes };
  } finally {
    clearInterval(timer);
  }
};

/**
 * Touches memory and lets it go. A virtual machine gives memory that nobody uses back to its host, and whoever touches it next waits for
 * the host: writing 1.6 GiB to a file in memory took 0.6 s or 3.9 s, by no merit of the writer.
 */
const backMemory = (): void => {
  const bytes = Math.floor(Math.min(mostBacked, freemem() / 2));
  execFileSync(process.execPath, ['--eval', `Buffer.alloc(${bytes}, 1)`]);
};

/** The second line of bash's `times`: '0m1.234s 0m0.056s', user and system of all children. */
const childrenSeconds = (times: string): number => {
  const [, children = ''] = times.trim().split('\n');
  let seconds = 0;
  for (const [, minutes, rest] of children.matchAll(/(\d+)m([\d.]+)s/g))
    seconds += Number(minutes) * 60 + Number(rest);
  return seconds;
};

/** Of everything below the process, itself not included; processes that end meanwhile count nothing. */
const memoryBelow = (pid: number): number => {
  let bytes = 0;
  for (const child of childrenOf(pid)) bytes += highWater(child) + memoryBelow(child);
  return bytes;
};

const childrenOf = (pid: number): number[] =>
  readProc(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);

const highWater = (pid: number): number =>
  1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`))?.[1] ?? 0);

const readProc = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process has ended
  }
};
