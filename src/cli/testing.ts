// For tests: the command line without a process of its own, and streams that remember.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { type Clock, systemClock } from '#lib/clock.ts';
import type { World } from './command.ts';
import type { Stream } from './output.ts';
import { runHoldfast } from './program.ts';

export interface Remembering {
  readonly stream: Stream;
  text(): string;
}

/** A stream that keeps what is written; with columns, it says that it is a terminal. */
export const rememberingStream = (columns?: number): Remembering => {
  const stream = new PassThrough();
  let kept = '';
  stream.on('data', (chunk: Buffer) => {
    kept += chunk.toString();
  });
  return {
    stream: columns === undefined ? stream : Object.assign(stream, { isTTY: true, columns }),
    text: () => kept,
  };
};

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `holdfast <words>` here, with nothing of this process's environment. */
export const holdfast = async (
  words: readonly string[],
  { columns, ...world }: Partial<World> & { readonly columns?: number } = {},
): Promise<Outcome> => {
  const stdout = rememberingStream(columns);
  const stderr = rememberingStream(columns);
  const status = await runHoldfast(words, {
    env: {},
    clock: systemClock,
    signal: new AbortController().signal,
    ...world,
    stdout: stdout.stream,
    stderr: stderr.stream,
  });
  return { status, stdout: stdout.text(), stderr: stderr.text() };
};

interface CommandLine {
  run(...words: readonly string[]): Promise<Outcome>;
  /** Its standard output, when it ends with status 0 and has nothing to say of what is wrong. */
  done(...words: readonly string[]): Promise<string>;
}

/** `holdfast` in one environment: 'backup nightly' are two words, a URL and a query in braces are one. */
export const commandLine = (env: Readonly<Record<string, string>>): CommandLine => {
  const run: CommandLine['run'] = (...words) =>
    holdfast(
      words.flatMap((word) => (/:\/\/|^\{/.test(word) ? [word] : word.split(' '))),
      { env },
    );
  return {
    run,
    async done(...words) {
      const { status, stdout, stderr } = await run(...words);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, words.join(' '));
      return stdout;
    },
  };
};

/** A clock that stands still until it is told otherwise. */
export const standingClock = (start = '2026-11-21T03:30:00Z'): Clock & { advance(ms: number): void } => {
  let now = new Date(start).getTime();
  return {
    now: () => new Date(now),
    sleep: async () => {},
    advance(ms) {
      now += ms;
    },
  };
};
