// The user's own commands around a job: what they are told, what they say, and what their exit status means.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { HookConfig } from '#config/hooks.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import { killGroup } from '#lib/process-group.ts';

export type HookMoment = 'before' | 'held' | 'after' | 'success' | 'partial' | 'failure';

/** What a hook finds in its environment, as HOLDFAST_JOB and so on. */
export interface HookFacts {
  readonly job: string;
  readonly verb: string;
  readonly run: string;
  readonly started: string;
  /** 'running' before the job, then how it ended: succeeded, partial, failed or cancelled. */
  readonly state: string;
  readonly due?: string | undefined;
  readonly ended?: string | undefined;
  readonly status?: string | undefined;
  readonly error?: string | undefined;
}

export interface HookContext {
  readonly signal: AbortSignal;
  /** Without secrets: see `withoutSecretVariables`. */
  readonly env: Readonly<Record<string, string>>;
  /** A line that the command wrote. */
  readonly onLine: (line: string) => void;
}

/** What sysexits.h calls a temporary failure. */
const skipStatus = 75;
/** Between asking a command to end, and ending it. */
const graceMs = 5000;

/** Runs the commands one after the other. 'skip' when one ended with status 75; FAILED when one failed, and then none after it. */
export const runHooks = async (
  moment: HookMoment,
  hooks: readonly HookConfig[],
  facts: HookFacts,
  context: HookContext,
): Promise<'go on' | 'skip'> => {
  const told = Object.entries({ hook: moment, ...facts }).flatMap(([name, value]) =>
    value === undefined ? [] : [[`HOLDFAST_${name.toUpperCase()}`, fit(value)]],
  );
  const env = { ...context.env, ...Object.fromEntries(told) };
  for (const hook of hooks) {
    throwIfCancelled(context.signal);
    const named = { label: `hook ${moment} (${labelOf(hook)})`, run: facts.run };
    const status = await runHook(hook, named, { ...context, env });
    if (status === skipStatus && moment === 'before') return 'skip';
    if (status !== 0) throw failed(named, `failed with status ${status}`);
  }
  return 'go on';
};

/** Linux starts no program with a variable of 128 KiB, nor any system one with a zero byte in it: what an error says may be both. */
const fit = (value: string): string => value.slice(0, 16 * 1024).replaceAll('\0', '');

/** The program, or the beginning of the line. */
const labelOf = ({ command }: HookConfig): string => {
  const text = typeof command === 'string' ? command : (command[0] ?? '');
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};

interface Named {
  readonly label: string;
  readonly run: string;
}

const failed = ({ label, run }: Named, how: string): HoldfastError =>
  new HoldfastError('FAILED', `${label} ${how}`, {
    hint: `see what it wrote with \`holdfast runs ${run} --log\``,
  });

const runHook = async (
  { command, timeLimit }: HookConfig,
  named: Named,
  { env, signal, onLine }: HookContext,
): Promise<number> => {
  const [program = '', ...args] = typeof command === 'string' ? [command] : command;
  const child = spawn(program, args, {
    env,
    shell: typeof command === 'string',
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that what it started ends with it
  });
  using end = endOnTime(child, durationMs(timeLimit), signal);
  try {
    const reading = [child.stdout, child.stderr].map((stream) => readLines(stream, onLine));
    const [[status, by]] = await Promise.all([once(child, 'close'), ...reading]);
    throwIfCancelled(signal);
    if (end.tooLate() === 'left') throw leftRunning(named, timeLimit);
    if (end.tooLate()) throw failed(named, `was ended after ${timeLimit}, its time limit`);
    if (by !== null) throw failed(named, `was ended by ${by}`);
    return Number(status);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('FAILED', `${named.label} could not be started: ${messageOf(cause)}`, { cause });
  }
};

/** Something that it started had its output open until the time was over, and may have it still. */
const leftRunning = ({ label }: Named, timeLimit: string): HoldfastError =>
  new HoldfastError(
    'FAILED',
    `${label} ended, but what it left running kept its output open for ${timeLimit}, its time limit`,
    { hint: 'redirect the output of what is to stay, as in: command > /dev/null 2>&1 &' },
  );

/** Of a longer line only the beginning is told: a command may print what it likes, also without a line's end. */
const longestLine = 16 * 1024;

const readLines = async (stream: Readable, onLine: (line: string) => void): Promise<void> => {
  const tell = (line: string): void => {
    if (line.trim() !== '') onLine(line);
  };
  let rest = '';
  let isTold = false;
  stream.setEncoding('utf8');
  try {
    for await (const chunk of stream) {
      const lines = `${rest}${chunk}`.split(/\r\n|[\n\r]/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!isTold) tell(line);
        isTold = false;
      }
      if (rest.length <= longestLine) continue;
      if (!isTold) tell(`${rest.slice(0, longestLine)}…`);
      isTold = true;
      rest = '';
    }
  } catch (error) {
    if (systemCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error; // the command was given up
  }
  if (!isTold) tell(rest);
};

/** Ends a command and all it started when its time is over or the job is cancelled. */
const endOnTime = (child: ChildProcess, limitMs: number, signal: AbortSignal) => {
  let late: 'it' | 'left' | undefined;
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    killGroup(child, 'SIGTERM');
    killing ??= setTimeout(() => {
      killGroup(child, 'SIGKILL');
      // What has left the group, as daemons do, lives on and may never let go of them.
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    }, graceMs);
  };
  const limit = setTimeout(() => {
    late = child.exitCode === null && child.signalCode === null ? 'it' : 'left';
    stop();
  }, limitMs);
  signal.addEventListener('abort', stop, { once: true });
  return {
    /** Itself, or only something that it left running. */
    tooLate: () => late,
    [Symbol.dispose]() {
      clearTimeout(limit);
      clearTimeout(killing);
      signal.removeEventListener('abort', stop);
    },
  };
};
