// Holdfast as its users run it: a process with arguments, an environment, output and an exit status.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(import.meta.dirname, '..', '..');
const main = join(root, 'src', 'main.ts');

/** Compiled code, kept from one process to the next. Not with that of tests: `holdfast` compiles with flags that theirs does not fit. */
export const compiledCode = {
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'holdfast', 'compiled-holdfast'),
} as const;

export interface CliOptions {
  /** Added to an environment that has nothing of the caller's but PATH, a home and the temporary folder. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  /** Then it is killed: after four minutes unless told. A machine that does much else may take one for what it does in a second. */
  readonly timeoutMs?: number;
}

export interface CliResult {
  /** Absent when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly process: ChildProcess;
  readonly result: Promise<CliResult>;
}

/** Starts `holdfast <args>`; a test can signal or kill it while it runs. */
export const startCli = (args: readonly string[], options?: CliOptions): RunningCli =>
  startProgram(process.execPath, [main, ...args], options);

/** The same for any program. */
export const startProgram = (
  program: string,
  args: readonly string[],
  options: CliOptions = {},
): RunningCli => {
  const child = spawn(program, args, {
    cwd: options.cwd ?? tmpdir(),
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      TMPDIR: tmpdir(),
      LC_ALL: 'C.UTF-8',
      ...compiledCode,
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 4 * 60_000,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => {}); // it may have ended without reading
  child.stdin.end(options.input ?? '');
  return { process: child, result: collect(child) };
};

/** Runs `holdfast <args>` to its end. */
export const runCli = (args: readonly string[], options?: CliOptions): Promise<CliResult> =>
  startCli(args, options).result;

/** The objects of a `--json` output, one a line. */
export const jsonLines = (output: string): Record<string, unknown>[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const collect = async (child: ReturnType<typeof spawn>): Promise<CliResult> => {
  const [stdout, stderr, [status, signal]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { status: status ?? undefined, signal: signal ?? undefined, stdout, stderr };
};
