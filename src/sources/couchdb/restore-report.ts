// What a restore did, counted as it goes.
import { asError } from '#lib/errors.ts';
import type { RestoreReport, RestoreTarget } from '../source.ts';

export class Reporter {
  readonly #into: RestoreTarget;
  readonly #failures: { path: string; error: Error }[] = [];
  readonly #warnings = new Set<string>();
  #entries = 0;
  #bytes = 0;

  constructor(into: RestoreTarget) {
    this.#into = into;
  }

  done(path: string, bytes: number): void {
    this.#entries += 1;
    this.#bytes += bytes;
    this.#into.onProgress?.({ entries: this.#entries, bytes: this.#bytes, current: path });
  }

  fail(path: string, error: unknown): void {
    this.#failures.push({ path, error: asError(error) });
  }

  warn(text: string): void {
    this.#warnings.add(text);
  }

  report(): RestoreReport {
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      failures: this.#failures,
      warnings: [...this.#warnings],
    };
  }
}
