// What a restore has done so far, and what it must tell.
import type { Content, RestoreReport, RestoreTarget } from './source.ts';

export class Reporter {
  #entries = 0;
  #bytes = 0;
  readonly #failures: { path: string; error: Error }[] = [];
  readonly #warnings = new Set<string>();
  readonly #onProgress: RestoreTarget['onProgress'];

  constructor(into: RestoreTarget) {
    this.#onProgress = into.onProgress?.bind(into);
  }

  /** The content, with its bytes reported as they pass. */
  counted(path: string, content: () => Content): () => AsyncGenerator<Uint8Array> {
    const pass = (bytes: number): void => this.#pass(path, bytes);
    const done = (): void => this.done(path, 0);
    return async function* () {
      for await (const chunk of content()) {
        yield chunk;
        pass(chunk.length);
      }
      done();
    };
  }

  /** A whole entry, with those of its bytes that were not reported yet. */
  done(path: string, bytes: number): void {
    this.#entries += 1;
    this.#pass(path, bytes);
  }

  fail(path: string, error: Error): void {
    this.#failures.push({ path, error });
  }

  /** Each warning is told once. */
  warn(text: string): void {
    this.#warnings.add(text);
  }

  get failures(): RestoreReport['failures'] {
    return this.#failures;
  }

  report(): RestoreReport {
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      failures: this.#failures,
      warnings: [...this.#warnings],
    };
  }

  #pass(path: string, bytes: number): void {
    this.#bytes += bytes;
    this.#onProgress?.({ entries: this.#entries, bytes: this.#bytes, current: path });
  }
}

/** A schema's text is larger than this in no database that works. */
const largestText = 256 * 1024 * 1024;

/** All of a small content, as text. */
export const textOf = async (path: string, content: () => Content): Promise<string> =>
  (await bytesOf(path, content)).toString('utf8');

/** All of a small content. */
export const bytesOf = async (path: string, content: () => Content): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of content()) {
    length += chunk.length;
    if (length > largestText) throw new Error(`${path} is larger than any definition of a database`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
};
