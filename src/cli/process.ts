// Holdfast as a process: its streams, its environment, the signals it gets.
import { systemClock } from '#lib/clock.ts';
import { runHoldfast } from './program.ts';
import { onSignals } from './signals.ts';
import { terminalPrompt } from './terminal-prompt.ts';

/** Runs the command line of this process and returns its exit status. */
export const runProcess = async (): Promise<number> => {
  const { signal } = onSignals();
  const askSecret = terminalPrompt(signal);
  return await runHoldfast(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    clock: systemClock,
    signal,
    ...(askSecret && { askSecret }),
  });
};
