// A program started with `detached: true` leads a group of its own, with all that it starts.
import type { ChildProcess } from 'node:child_process';

/** Signals it and all it started. */
export const killGroup = ({ pid }: ChildProcess, signal: NodeJS.Signals): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // it has ended by itself
  }
};
