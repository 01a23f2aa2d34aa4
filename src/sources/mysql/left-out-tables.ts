// Sequences and tables that the server refuses, or whose rows it refuses: all else of their database is restored, and they are named
// with what they leave behind.
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import type { Manifest } from '../manifest.ts';
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
    throw new HoldfastError(
      'TARGET_FAILED',
      `${replaced} was left as it was: ${[first, ...others].map(({ message }) => message).join('; ')}`,
      { hint: 'restore under another name to have all else', cause: first },
    );
  }

  /** Each with its rows, and with the foreign keys that refer to it. */
  report(manifest: Manifest, reporter: Reporter): void {
    for (const item of this.#items) {
      const { type, name } = item;
      const error = this.#errors.get(item);
      if (!error) continue;
      const captured = manifest.tables.find((table) => table.name === plainName(this.#database, name));
      const held = captured?.rows
        ? `; what it held, ${plural(captured.rows, 'row')}, is in the snapshot only`
        : '';
      reporter.fail(
        `${databasePath(this.#database)}/${databaseFiles.tables}`,
        new HoldfastError(error.code, `${error.message.replace(/\.$/, '')}${held}`, {
          hint: error.hint,
          cause: error.cause,
        }),
      );
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
