// What has been read of each collection of a database, until all is known and the manifest can be written.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { RowCount } from '#lib/row-checksum.ts';
import type { Manifest, ManifestTable } from '../manifest.ts';

export class Tally {
  readonly #tables: ManifestTable[] = [];
  readonly #missing: { name: string; reason: string }[] = [];
  readonly #settled = Promise.withResolvers<void>();
  #open = 0;
  #waiting = false;

  constructor() {
    this.#settled.promise.catch(() => {}); // nobody may be waiting
  }

  /** One more collection is going to be read. */
  expect(): void {
    this.#open += 1;
  }

  done(name: string, file: string, count: RowCount): void {
    this.#tables.push({ name, entries: [file], format: 'bson', ...count });
    this.#close();
  }

  failed(name: string, error: unknown): void {
    this.missing(name, messageOf(error));
    this.#close();
  }

  /** Something that is not there at all. */
  missing(name: string, reason: string): void {
    this.#missing.push({ name, reason });
  }

  /** Resolves when all that was expected is done or failed; rejects when the reading is given up. */
  async settled(): Promise<Pick<Manifest, 'tables' | 'missing'>> {
    this.#waiting = true;
    if (this.#open > 0) await this.#settled.promise;
    const byName = (a: { name: string }, b: { name: string }): number =>
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
    return { tables: this.#tables.toSorted(byName), missing: this.#missing.toSorted(byName) };
  }

  giveUp(): void {
    this.#settled.reject(new HoldfastError('CANCELLED', 'the reading was given up'));
  }

  #close(): void {
    this.#open -= 1;
    if (this.#waiting && this.#open === 0) this.#settled.resolve();
  }
}
