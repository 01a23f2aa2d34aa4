// Structured logs for operators: one line an event. Never a secret.
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** A log that writes JSON lines to standard error, or where it is told. */
export const openLog = (level: LogLevel, destination?: DestinationStream): Log =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination ?? pino.destination(2));

/** A log nobody reads; for tests and for callers without one. */
export const silentLog: Log = pino({ level: 'silent' });
