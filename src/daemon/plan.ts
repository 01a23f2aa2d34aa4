// What the daemon needs of the configuration. Another process reads it: all that understands YAML and every kind of source
// would weigh more than the daemon itself.
import { readFile } from 'node:fs/promises';
import type { DaemonConfig, LogsConfig } from '#config/daemon.ts';
import type { ScheduledJob } from '#jobs/schedule.ts';
import { errorKinds, HoldfastError, messageOf } from '#lib/errors.ts';
import { type Message, startProgram } from './program.ts';

export interface Plan {
  /** The configuration as it was read; every run gets this one, whatever becomes of the file. */
  readonly text: string;
  readonly jobs: readonly ScheduledJob[];
  readonly catalog: string;
  readonly daemon: DaemonConfig;
  readonly logs?: LogsConfig;
  /** How many there are to tell somebody through. */
  readonly notifiers: number;
  /** Whether a console is told how everything stands. */
  readonly bulletins: boolean;
  /** Whether that console may have jobs run here. */
  readonly orders: boolean;
}

/** Reads a file; CONFIG_INVALID when it is no sound configuration, FAILED when the catalog that it names cannot be used. */
export const readPlan = async (file: string): Promise<Plan> => {
  const text = await readText(file);
  const messages: Message[] = [];
  const child = startProgram(['schedule'], text, (message) => messages.push(message));
  const { status, signal, error } = await child.ended;
  const summary = messages.find(({ message_type }) => message_type === 'summary');
  if (status !== 0 || summary === undefined) {
    const message = error?.message ?? `it could not be read: the reader ended with ${signal ?? status}`;
    const code = status === errorKinds.CONFIG_INVALID.status ? 'CONFIG_INVALID' : 'FAILED';
    throw new HoldfastError(code, message.replaceAll(/^-:/gm, `${file}:`), { hint: error?.hint });
  }
  const jobs = messages.filter(({ message_type }) => message_type === 'scheduled');
  return {
    ...(summary as unknown as Omit<Plan, 'text' | 'jobs'>), // this same version of Holdfast wrote it
    text,
    jobs: jobs as unknown as ScheduledJob[],
  };
};

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `cannot read the configuration: ${messageOf(cause)}`, {
      cause,
    });
  }
};
