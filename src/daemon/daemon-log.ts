// What the daemon itself does, a line an event: to standard error as its reader likes it, and into the log of the day.
import type { DestinationStream } from 'pino';
import type { LogsConfig } from '#config/daemon.ts';
import type { Clock } from '#lib/clock.ts';
import { type Log, openLog } from '#lib/log.ts';
import { dayFiles } from '#lib/log-file.ts';

export interface DaemonLogOptions {
  readonly logs: LogsConfig | undefined;
  readonly stderr: { write(text: string): unknown };
  readonly json: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

export const openDaemonLog = ({
  logs,
  stderr,
  json,
  env,
  clock,
}: DaemonLogOptions): { readonly log: Log } & Disposable => {
  const form = json ? (line: string) => line : env.JOURNAL_STREAM ? forJournal : forPeople;
  const files =
    logs &&
    dayFiles({ ...logs, name: 'holdfast' }, clock, (error) =>
      stderr.write(`cannot write the log in ${logs.folder}: ${String(error)}\n`),
    );
  const both: DestinationStream = {
    write(line) {
      stderr.write(form(line));
      files?.write(line);
    },
  };
  return { log: openLog(logs?.level ?? 'info', both), [Symbol.dispose]: () => files?.[Symbol.dispose]() };
};

/** The journal has the time itself, and takes the urgency before the text (sd-daemon(3)). */
const forJournal = (line: string): string => {
  const { level, text } = textOf(line);
  const urgency = level >= 50 ? 3 : level >= 40 ? 4 : level >= 30 ? 6 : 7;
  return `<${urgency}>${text}\n`;
};

const forPeople = (line: string): string => {
  const { level, time, text } = textOf(line);
  return `${time} ${level >= 50 ? 'ERROR ' : level >= 40 ? 'WARN ' : ''}${text}\n`;
};

const textOf = (line: string): { readonly level: number; readonly time: string; readonly text: string } => {
  const { level, time, job, msg } = JSON.parse(line) as Record<string, string | number>;
  const text = String(msg).replaceAll('\n', ' ');
  return { level: Number(level), time: String(time), text: job === undefined ? text : `${job}: ${text}` };
};
