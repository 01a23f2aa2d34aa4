// Sequences and tables that the server refuses, or whose rows it refuses: all else of their database is restored, and they are named
// with what they leave behind.
import type { HoldfastError } from '#lib/errors.ts';
import type { Manifest } from '../manifest.ts';
import { leftAsItWas, withLackingRows } from '../refused.ts';
import type { Reporter } from '../restore-report.ts';
import { binaryIdentifier, textOfBinary } from './binary-text.ts';
import { isForeignKey, parseCreateTable } from './create-table.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles, databasePath } from './layout.ts';
import type { SqlItem } from './sql-items.ts';

export class LeftOutTables {
  readonly #database: string;
  readonly #items: readonly SqlItem[];
  readonly #errors = new Map<SqlItem, HoldfastError>();

  /** Of the database of that name in the backup, with its sequences and tables. */
  constructor(database: string, items: readonly SqlItem[]) {
    this.#database = database;
    this.#items = items;
  }

  add(item: SqlItem, error: HoldfastError): void {
    this.#errors.set(item, error);
  }

  /** One whose rows were refused. */
  addTable(table: string, error: HoldfastError): void {
    const item = this.#items.find(({ type, name }) => type === 'table' && name === table);
    if (item) this.add(item, error);
  }

  has(table: string): boolean {
    return [...this.#errors.keys()].some(({ type, name }) => type === 'table' && name === table);
  }

  /** TARGET_FAILED when nothing is left, or when nothing may be lacking, since it takes the place of a database that is there. */
  assertMayLack(replaced: string | undefined): void {
    const [first, ...others] = this.#errors.values();
    if (first === undefined) return;
    if (this.#errors.size === this.#items.length) throw first;
    if (replaced === undefined) return;
    throw leftAsItWas(replaced, [first, ...others]);
  }

  /** Each with its rows, and with the foreign keys that refer to it. */
  report(manifest: Manifest, reporter: Reporter): void {
    for (const item of this.#items) {
      const { type, name } = item;
      const error = this.#errors.get(item);
      if (!error) continue;
      const captured = manifest.tables.find((table) => table.name === plainName(this.#database, name));
      const path = `${databasePath(this.#database)}/${databaseFiles.tables}`;
      reporter.fail(path, withLackingRows(error, captured?.rows ?? 0));
      if (type === 'table') for (const text of this.#brokenKeysTo(name)) reporter.warn(text);
    }
  }

  #brokenKeysTo(table: string): string[] {
    const reference = ` REFERENCES ${binaryIdentifier(table)} (`;
    return this.#items
      .filter((item) => item.type === 'table' && !this.#errors.has(item))
      .flatMap(({ name, statement }) =>
        (parseCreateTable(statement)?.parts ?? [])
          .filter((part) => isForeignKey(part) && part.includes(reference))
          .map(
            (part) =>
              `${name} refers to ${table}, which could not be restored: rows that need it are refused (${textOfBinary(part)})`,
          ),
      );
  }
}
