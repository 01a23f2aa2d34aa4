// Which process did something, and whether it is still there: a process id alone is used again by another.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** When it was started, in the system's own terms; empty where the system does not tell. */
  readonly started: string;
}

export const thisProcess = (): ProcessIdentity => ({
  host: hostname(),
  pid: process.pid,
  started: startOf(process.pid) ?? '',
});

/**
 * False when that process has certainly ended. Of a process of another host, or of another container of this one, nobody
 * knows, so it counts as alive.
 */
export const mayBeAlive = ({ host, pid, started }: ProcessIdentity): boolean => {
  if (host !== hostname() || isInAnotherContainer(started)) return true;
  if (!exists(pid) || isZombie(pid)) return false;
  return started === '' || startOf(pid) === started;
};

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

/** It has ended, and whoever started it did not ask how: as the first process of a container often never does. */
const isZombie = (pid: number): boolean => statusOf(pid)?.[0] === 'Z';

/** Containers that share a host name (that of their host, most often) still have process ids of their own. */
const isInAnotherContainer = (started: string): boolean => {
  const [boot, namespace] = started.split(' ');
  const [ourBoot, ourNamespace] = (startOf(process.pid) ?? '').split(' ');
  return started !== '' && boot === ourBoot && namespace !== ourNamespace;
};

/** Boot, namespace of process ids, and start time since the boot (proc_pid_stat(5), field 22); undefined where there is no /proc. */
const startOf = (pid: number): string | undefined => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = readlinkSync('/proc/self/ns/pid');
    const status = statusOf(pid);
    return status && `${boot} ${namespace} ${status[19]}`;
  } catch {
    return undefined;
  }
};

/** The fields of proc_pid_stat(5) from the third on; undefined where there is no such process, or no /proc. */
const statusOf = (pid: number): string[] | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
};
