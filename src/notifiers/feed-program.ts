// A program that is given a text on its standard input, and may take only so long.
import { spawn } from 'node:child_process';
import { finished } from 'node:stream/promises';
import { withoutSecretVariables } from '#lib/child-environment.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { killGroup } from '#lib/process-group.ts';

export interface Feeding {
  /** A line for the shell, or a program and its arguments. */
  readonly command: string | readonly string[];
  readonly input: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Resolves when it ended with status 0. What it prints is thrown away: it may print anything, also a secret. */
export const feedProgram = async (feeding: Feeding, signal: AbortSignal): Promise<void> => {
  const { command, input, env, timeoutMs } = feeding;
  const [program, args, shell] =
    typeof command === 'string' ? [command, [], true] : [command[0] ?? '', command.slice(1), false];
  const label = shell ? 'the command' : program;
  const limit = AbortSignal.timeout(timeoutMs);
  const ended = Promise.withResolvers<{ code: number | null; by: NodeJS.Signals | null }>();
  // A group of its own, so that what a shell has started ends with it.
  const child = spawn(program, args, {
    shell,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...withoutSecretVariables(process.env), ...env },
  });
  child.on('error', ended.reject).on('exit', (code, by) => ended.resolve({ code, by }));
  const stop = (): void => {
    if (child.exitCode === null) killGroup(child, 'SIGKILL');
  };
  const stopped = AbortSignal.any([signal, limit]);
  stopped.addEventListener('abort', stop, { once: true });
  if (stopped.aborted) stop();
  try {
    // One that ends without reading all of it has its reasons; its status counts.
    void finished(child.stdin.end(input)).catch(() => {});
    const { code, by } = await ended.promise;
    if (code === 0) return;
    if (signal.aborted) throw new HoldfastError('CANCELLED', 'cancelled', { cause: signal.reason });
    const how = limit.aborted
      ? `did not end within ${timeoutMs / 1000} s`
      : by
        ? `was ended by ${by}`
        : undefined;
    throw new HoldfastError('NOTIFIER_REFUSED', `${label} ${how ?? `failed with status ${code}`}`, { hint });
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('NOTIFIER_REFUSED', `${label} could not be started: ${messageOf(cause)}`, {
      cause,
      hint,
    });
  } finally {
    stopped.removeEventListener('abort', stop);
  }
};

const hint = 'run it by hand, as the user that runs holdfast, to see what it says';
