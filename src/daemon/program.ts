// This same program, run as a child: so that what a job loads, leaks or breaks stays in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { messageOf } from '#lib/errors.ts';
import { killGroup } from '#lib/process-group.ts';

export type Message = Readonly<Record<string, unknown>>;

export interface ChildEnd {
  /** Absent when a signal ended it, or it could not be started. */
  readonly status?: number;
  readonly signal?: NodeJS.Signals;
  /** What it said last of what failed it. */
  readonly error?: { readonly message: string; readonly hint?: string };
}

export interface Child {
  readonly ended: Promise<ChildEnd>;
  /** Signals it and all it started. */
  kill(signal: NodeJS.Signals): void;
}

/** Runs `holdfast -c - --json <words>` with this configuration as its standard input. Each message of it is handed on. */
export const startProgram = (
  words: readonly string[],
  configText: string,
  onMessage: (message: Message) => void,
): Child => {
  // A group of its own: Ctrl-C at a terminal is for the daemon, which then decides.
  const child = spawn(
    process.execPath,
    [...process.execArgv, process.argv[1] ?? '', '-c', '-', '--json', ...words],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    },
  );
  return { ended: endOf(child, configText, onMessage), kill: (signal) => killGroup(child, signal) };
};

const endOf = async (
  child: ChildProcess,
  configText: string,
  onMessage: (message: Message) => void,
): Promise<ChildEnd> => {
  let error: ChildEnd['error'];
  const take = (line: string): void => {
    const message = parse(line);
    if (message === undefined) return;
    if (message.message_type === 'exit_error') error = errorOf(message);
    else onMessage(message);
  };
  try {
    child.stdin?.on('error', () => {}); // it may have ended without reading
    child.stdin?.end(configText);
    const reading = [child.stdout, child.stderr].map((stream) => stream && readLines(stream, take));
    const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    await Promise.all(reading);
    return {
      ...(status !== null && { status }),
      ...(signal !== null && { signal }),
      ...(error && { error }),
    };
  } catch (thrown) {
    return { error: { message: `cannot be started: ${messageOf(thrown)}` } };
  }
};

const readLines = async (stream: Readable, take: (line: string) => void): Promise<void> => {
  for await (const line of createInterface({ input: stream })) take(line);
};

/** Words that are no message come from Node itself, when all is lost. */
const parse = (line: string): Message | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Message) : undefined;
  } catch {
    return { message_type: 'stray', message: line };
  }
};

const errorOf = ({ message, hint }: Message): { readonly message: string; readonly hint?: string } => ({
  message: String(message).trim(),
  ...(typeof hint === 'string' && { hint }),
});
