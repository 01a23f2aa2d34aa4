// SIGINT, SIGTERM and SIGHUP: the first one asks, the second one ends.
import { performance } from 'node:perf_hooks';
import { isatty } from 'node:tty';
import { errorKinds } from '#lib/errors.ts';

/** What follows sooner is the same signal: timeout(1) sends it to us and to our group, and so do we after a terminal did. */
const repeatMs = 300;

/**
 * A controller that the first signal fires. Work then ends by itself, with its locks removed; a second signal ends the process at once.
 * SIGHUP says that the terminal was closed, often twice (the system and the shell): it is never the second one. Where no stream is a
 * terminal it says nothing: nohup means it to be ignored, which Node undoes when it starts.
 */
export const onSignals = (now = () => performance.now()): AbortController => {
  const controller = new AbortController();
  let firstAt = 0;
  const onTerminal = [0, 1, 2].some((stream) => isatty(stream));
  const take = (signal: NodeJS.Signals): void => {
    if (!controller.signal.aborted) firstAt = now();
    else if (now() - firstAt >= repeatMs) process.exit(errorKinds.CANCELLED.status);
    controller.abort(signal);
  };
  process.on('SIGINT', take);
  process.on('SIGTERM', take);
  process.on('SIGHUP', () => {
    if (onTerminal) controller.abort('SIGHUP');
  });
  return controller;
};

/** From now on a signal ends the process as if nobody listened: for work that cannot be interrupted, and holds nothing. */
export const endOnSignals = (): void => {
  for (const name of ['SIGINT', 'SIGTERM']) process.removeAllListeners(name);
};
