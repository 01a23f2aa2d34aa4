// Any program: the notice as JSON on its standard input, the main facts in its environment.
import { z } from 'zod';
import { feedProgram } from '../feed-program.ts';
import { type Notice, noticeJson } from '../notice.ts';
import type { NotifierKind } from '../notifier.ts';
import { findProgram } from '../reach.ts';

const config = z.strictObject({
  command: z
    .union([z.string().min(1), z.array(z.string()).min(1)])
    .describe('What to run: a line for the shell, or a list of program and arguments.'),
  timeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe('How long it may take; it is then killed, with all that it has started.'),
});
export type CommandConfig = z.output<typeof config>;

/** `kind: command`. A status other than 0 means that the notice was not taken. */
export const command: NotifierKind<CommandConfig> = {
  name: 'command',
  config,
  open: async ({ command, timeoutSeconds }) => ({
    location: typeof command === 'string' ? 'a command' : (command[0] ?? ''),
    send: (notice, signal) =>
      feedProgram(
        {
          command,
          input: `${JSON.stringify(noticeJson(notice))}\n`,
          env: factsOf(notice),
          timeoutMs: timeoutSeconds * 1000,
        },
        signal,
      ),
    reach: async () => findProgram(command),
    [Symbol.asyncDispose]: async () => {},
  }),
};

/** Every one is there in every event, empty where it has no meaning. */
const factsOf = (notice: Notice): Record<string, string> => ({
  HOLDFAST_EVENT: notice.event,
  HOLDFAST_SEVERITY: notice.severity,
  // The system knows no zero byte in an environment, and a name in a backup may hold anything.
  HOLDFAST_TITLE: notice.title.replaceAll('\0', ''),
  HOLDFAST_HOST: notice.host,
  HOLDFAST_JOB: notice.job ?? '',
  HOLDFAST_RUN: notice.run?.id ?? '',
  HOLDFAST_STATE: notice.run?.state ?? '',
  HOLDFAST_STATUS: String(notice.run?.exitStatus ?? ''),
});
