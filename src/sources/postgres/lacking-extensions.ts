// Extensions that the target's server does not have. A database is whole without one on which nothing else in it depends.
import { asError, HoldfastError } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import { plainName, type QualifiedName } from './identifiers.ts';
import { sqlState, state } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';

export class LackingExtensions {
  readonly #reporter: Reporter;
  readonly #path: string;
  /** What it kept from being restored, by plain name. */
  readonly #tables = new Set<string>();
  #first: unknown;

  /** `path` is of the file that makes them. */
  constructor(reporter: Reporter, path: string) {
    this.#reporter = reporter;
    this.#path = path;
  }

  /** Whether it has excused a table. */
  has(table: QualifiedName): boolean {
    return this.#tables.has(plainName(table));
  }

  /** Reports an extension that cannot be made. Throws for anything else; that an extension lacks is then the better reason. */
  take({ type }: SqlItem, error: unknown): void {
    if (type !== 'EXTENSION' || !(error instanceof HoldfastError)) throw this.#first ?? error;
    this.#first ??= error;
    this.#reporter.fail(this.#path, error);
  }

  /** Loads something, unless its relation lacks as well: of its own tables, an extension may let users keep rows in. */
  async excuse(table: QualifiedName | undefined, load: () => Promise<unknown>): Promise<void> {
    try {
      await load();
    } catch (error) {
      const code = sqlState(error instanceof HoldfastError ? error.cause : error);
      const isAbsent = code === state.undefinedTable || code === state.undefinedSchema;
      if (this.#first === undefined || !isAbsent || !table) throw error;
      this.#tables.add(plainName(table));
      this.#reporter.fail(this.#path, asError(error));
    }
  }
}
