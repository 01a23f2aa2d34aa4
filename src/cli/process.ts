// Holdfast as a process: its streams, its environment, the signals it gets.
import { fstatSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { systemClock } from '#lib/clock.ts';
import { exitStatus, messageOf } from '#lib/errors.ts';
import type { Stream } from './output.ts';
import { runHoldfast } from './program.ts';
import { endOnSignals, onSignals } from './signals.ts';
import { terminalPrompt } from './terminal-prompt.ts';

/** Runs the command line of this process and returns its exit status. */
export const runProcess = async (): Promise<number> => {
  process.on('uncaughtException', endAtOnce);
  const { signal } = onSignals();
  const askSecret = terminalPrompt(signal);
  const stdout = standardOutput();
  const status = await runHoldfast(process.argv.slice(2), {
    stdout,
    stderr: process.stderr,
    env: process.env,
    clock: systemClock,
    signal,
    endOnSignals,
    ...(askSecret && { askSecret }),
  });
  await Promise.all([stdout, process.stderr].map(taken));
  return status;
};

/** When output goes to a file on a nearly full disk, Node's own stream reports all bytes as written although only the first were. */
const standardOutput = (): Stream => {
  if (!isFile(1)) return process.stdout;
  return new Writable({
    write(bytes: Buffer, _encoding, done) {
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
};

const isFile = (descriptor: number): boolean => {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false; // Windows cannot look at every stream
  }
};

/** A socket, which a parent that is Node gives us for a stream, takes what is written later than a file does. */
const taken = (stream: Stream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write('', () => resolve()); // an error, too, means that nothing more will be taken
  });

/** An error that nobody awaited: what goes on after it could not be trusted. Rejected promises come here, too. */
const endAtOnce = (error: unknown): never => {
  const verbose = process.argv.some((word) => word === '-v' || word === '--verbose');
  const text = verbose && error instanceof Error ? error.stack : messageOf(error);
  process.stderr.write(`holdfast: unexpected error: ${text}\n`);
  process.stderr.write('hint: this is a mistake in Holdfast; please report it, with what -v shows\n');
  process.exit(exitStatus(error));
};
