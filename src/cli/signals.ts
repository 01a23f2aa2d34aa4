// SIGINT and SIGTERM: the first one asks, the second one ends.
import { errorKinds } from '#lib/errors.ts';

/** A controller that the first signal fires. Work then ends by itself, with its locks removed; a second signal ends the process at once. */
export const onSignals = (): AbortController => {
  const controller = new AbortController();
  const take = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(errorKinds.CANCELLED.status);
    controller.abort(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, take);
  return controller;
};
