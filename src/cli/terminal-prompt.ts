// A question on the terminal whose answer is not shown.
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { HoldfastError } from '#lib/errors.ts';

/** Asks on standard error; undefined when there is no terminal to ask on. */
export const terminalPrompt = (signal: AbortSignal): ((question: string) => Promise<string>) | undefined => {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (question) => {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
    process.stderr.write(question); // only now: the terminal has ceased to show what is typed
    terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT')); // the raw terminal sends a character instead
    try {
      return await terminal.question('', { signal });
    } catch (cause) {
      throw new HoldfastError('CANCELLED', 'cancelled', { cause });
    } finally {
      terminal.close();
      process.stderr.write('\n');
    }
  };
};
