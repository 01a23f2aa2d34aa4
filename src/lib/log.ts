// Structured logs for operators: one line an event. Never a secret.
import { createRequire } from 'node:module';
import type { DestinationStream, Logger } from 'pino';

export interface Log extends Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> {
  /** The same log, each of whose lines says this, too. */
  child(bindings: Readonly<Record<string, unknown>>): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** A log that writes JSON lines to standard error, or where it is told. */
export const openLog = (level: LogLevel, destination?: DestinationStream): Log =>
  onFirstUse(() => {
    const { pino } = require('pino') as typeof import('pino');
    const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
    return pino(options, destination ?? pino.destination(2));
  });

/** Nearly every command ends without a line, and pino takes longer to load than all of ours. */
const require = createRequire(import.meta.url);

const onFirstUse = (open: () => Logger): Log => {
  let logger: Logger | undefined;
  return new Proxy({} as Log, {
    get(_, key) {
      logger ??= open();
      const value: unknown = Reflect.get(logger, key);
      return typeof value === 'function' ? value.bind(logger) : value;
    },
  });
};

const nothing = (): void => {};

/** A log nobody reads; for tests and for callers without one. */
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
};
