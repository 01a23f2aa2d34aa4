// The one executable: reads the command line, runs the command, and ends with its exit status.
import { runHoldfast } from '#cli/program.ts';
import { onSignals } from '#cli/signals.ts';
import { terminalPrompt } from '#cli/terminal-prompt.ts';
import { systemClock } from '#lib/clock.ts';

const cancel = onSignals();
const askSecret = terminalPrompt(cancel.signal);
const status = await runHoldfast(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: systemClock,
  signal: cancel.signal,
  ...(askSecret && { askSecret }),
});
// Everything is closed by now; a socket or worker that somebody forgot must not keep the process.
process.exit(status);
