// Questions for checksums, several to a program: starting one takes longer than reading a small file.
import { quoted, type RemoteShell } from './remote-shell.ts';

export interface Question {
  /** The program, as a command line without the file. */
  readonly program: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
}

/** A second one answers for small files while the first reads a large one. */
const mostShells = 2;

/** What one program is given, far from what a command line may have. */
const mostFiles = 64;
const mostBytes = 64 * 1024 * 1024;

/** A server that reads slower than this has stopped. */
const leastBytesPerMs = 1024;
const patienceMs = 60_000;
/** As long as a timer can be. */
const longestMs = 2 ** 31 - 1;

export class ChecksumShells {
  readonly #open: () => Promise<RemoteShell>;
  readonly #idle: RemoteShell[];
  #count = 1;
  #waiting: Asked[] = [];
  #broken = false;

  constructor(first: RemoteShell, open: () => Promise<RemoteShell>) {
    this.#idle = [first];
    this.#open = open;
  }

  /** The digits, or undefined when the server cannot say. Once a shell has ended, or was too slow, none is asked any more. */
  async ask(question: Question): Promise<string | undefined> {
    if (this.#broken) return undefined;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#waiting.push({ ...question, answer: resolve });
    const shell = this.#idle.pop();
    if (shell) void this.#serve(shell);
    else if (this.#count < mostShells) void this.#openAnother();
    return await promise;
  }

  async #openAnother(): Promise<void> {
    this.#count += 1;
    const shell = await this.#open().catch(() => undefined); // one has to do
    if (shell) await this.#serve(shell);
  }

  async #serve(shell: RemoteShell): Promise<void> {
    for (let batch = this.#take(); batch.length > 0; batch = this.#take())
      try {
        await answerAll(shell, batch);
      } catch {
        this.#broken = true;
        for (const { answer } of [...batch, ...this.#waiting]) answer(undefined);
        this.#waiting = [];
      }
    this.#idle.push(shell);
  }

  /** As many as one program may be asked for at once. */
  #take(): readonly Asked[] {
    const [first] = this.#waiting;
    const batch: Asked[] = [];
    let bytes = 0;
    for (const asked of this.#waiting) {
      bytes += asked.sizeBytes;
      const fits = batch.length < mostFiles && bytes <= mostBytes && isPlain(asked.path);
      if (batch.length > 0 && !(fits && asked.program === first?.program && isPlain(first.path))) break;
      batch.push(asked);
    }
    this.#waiting.splice(0, batch.length);
    return batch;
  }
}

interface Asked extends Question {
  readonly answer: (digits: string | undefined) => void;
}

const answerAll = async (shell: RemoteShell, batch: readonly Asked[]): Promise<void> => {
  const bytes = batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const limit = AbortSignal.timeout(Math.min(patienceMs + Math.ceil(bytes / leastBytesPerMs), longestMs));
  const signal = AbortSignal.any([limit, ...new Set(batch.map((asked) => asked.signal))]);
  if (await answerTogether(shell, batch, signal)) return;
  for (const { program, path, answer } of batch) {
    const { status, output } = await shell.run(`${program} <${quoted(path)}`, signal);
    answer(status === 0 ? digitsOf(output) : undefined);
  }
};

/** One program for all of them. When it could not read one of them it is not clear whose the others are. */
const answerTogether = async (
  shell: RemoteShell,
  batch: readonly Asked[],
  signal: AbortSignal,
): Promise<boolean> => {
  const [first, second] = batch;
  if (!first || !second) return false;
  const paths = batch.map(({ path }) => quoted(path)).join(' ');
  const { status, output } = await shell.run(`${first.program} ${paths} </dev/null`, signal);
  const lines = output.trimEnd().split('\n');
  if (status !== 0 || lines.length !== batch.length) return false;
  for (const [index, { answer }] of batch.entries()) answer(digitsOf(lines[index] ?? ''));
  return true;
};

/** Programs print names, in ways of their own when a line would not hold them. */
const isPlain = (path: string): boolean => !/[\n\r\\]/.test(path);

const digitsOf = (line: string): string | undefined => /^[0-9a-f]{32,128}(?![0-9a-f])/.exec(line)?.[0];
