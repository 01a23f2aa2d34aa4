// SIGINT, SIGTERM and SIGHUP: the first one asks, the second one ends.
import { isatty } from 'node:tty';
import { errorKinds } from '#lib/errors.ts';

/**
 * A controller that the first signal fires. Work then ends by itself, with its locks removed; a second signal ends the process at once.
 * SIGHUP says that the terminal was closed, often twice (the system and the shell): it is never the second one. Where no stream is a
 * terminal it says nothing: nohup means it to be ignored, which Node undoes when it starts.
 */
export const onSignals = (): AbortController => {
  const controller = new AbortController();
  const onTerminal = [0, 1, 2].some((stream) => isatty(stream));
  const take = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(errorKinds.CANCELLED.status);
    controller.abort(signal);
  };
  process.on('SIGINT', take);
  process.on('SIGTERM', take);
  process.on('SIGHUP', () => {
    if (onTerminal) controller.abort('SIGHUP');
  });
  return controller;
};
