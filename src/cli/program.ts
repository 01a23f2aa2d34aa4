// From the words after `holdfast` to an exit status.
import { exitStatus, HoldfastError, hasCode } from '#lib/errors.ts';
import { goneFolder } from '#lib/working-folder.ts';
import type { World } from './command.ts';
import { type Asked, readCommandLine, wantsJson } from './command-line.ts';
import { Output, ReaderGone, type Stream } from './output.ts';
import { refuseRepository, refuseStoreOptions } from './repository-refusal.ts';

export interface Program extends World {
  readonly stdout: Stream;
  readonly stderr: Stream;
}

/** What a shell reports of a program that wrote to a pipe nobody reads (128 + SIGPIPE). */
export const readerGoneStatus = 141;

/** Runs one command line. Errors are shown, not thrown. */
export const runHoldfast = async (words: readonly string[], program: Program): Promise<number> => {
  let output = openOutput(program, { json: wantsJson(words), quiet: false, verbose: false });
  try {
    const asked = await readCommandLine(words, program.stdout.columns ?? 100);
    if (asked.what === 'help') {
      await output.bytes(Buffer.from(asked.text));
      await output.end();
      return 0;
    }
    output = openOutput(program, asked.global);
    const status = await runCommand(asked, output, program);
    await output.end();
    return status;
  } catch (error) {
    output.progressDone();
    if (error instanceof ReaderGone) return readerGoneStatus;
    const cause = program.signal.aborted ? cancelled(error) : (goneFolder(error) ?? error);
    output.fatal(cause);
    return exitStatus(cause);
  }
};

const runCommand = async (
  { name, command, args, options, global }: Extract<Asked, { what: 'command' }>,
  output: Output,
  { env, clock, signal, askSecret, endOnSignals }: Program,
): Promise<number> => {
  if (command.onRepository !== undefined) refuseRepository(global, `\`${name}\``);
  if (command.onRepository === false) refuseStoreOptions(global, name);
  const heartbeat = output.live || output.json ? setInterval(() => output.tick(), 500).unref() : undefined;
  try {
    return await command.run({
      args,
      options,
      global,
      output,
      env,
      clock,
      signal,
      ...(askSecret && { askSecret }),
      ...(endOnSignals && { endOnSignals }),
    });
  } finally {
    clearInterval(heartbeat);
    output.progressDone();
  }
};

const openOutput = (
  { stdout, stderr, clock, env }: Program,
  { json, quiet, verbose }: { json: boolean; quiet: boolean; verbose: boolean },
): Output =>
  new Output({
    stdout,
    stderr,
    json,
    verbosity: quiet ? 'quiet' : verbose ? 'verbose' : 'normal',
    clock,
    noColor: Boolean(env.NO_COLOR),
  });

/** After a signal, whatever broke broke because of it. */
const cancelled = (error: unknown): HoldfastError =>
  hasCode(error, 'CANCELLED') ? error : new HoldfastError('CANCELLED', 'cancelled', { cause: error });
