// What the server refuses of a database, and the rows it refuses: all else is restored, and they are named.
import type { HoldfastError } from '#lib/errors.ts';
import type { Manifest, ManifestTable } from '../manifest.ts';
import { leftAsItWas, withLackingRows } from '../refused.ts';
import type { Reporter } from '../restore-report.ts';
import { plainName, type QualifiedName } from './identifiers.ts';
import { databaseFiles, databasePath } from './layout.ts';
import type { Loaded } from './load-rows.ts';
import { isRefusal, isServerError, state } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';

/** Of one database. Nothing may be lacking where it takes the place of one that is there. */
export class LeftOut {
  readonly #replaced: string | undefined;
  readonly #items: { readonly item: SqlItem; readonly error: HoldfastError }[] = [];
  /** By name, also those that need no word of their own. */
  readonly #unmade = new Set<string>();
  /** The first error of each relation's rows, by plain name. */
  readonly #rows = new Map<string, HoldfastError>();

  constructor(replaced: string | undefined) {
    this.#replaced = replaced;
  }

  /** What pg_dump's section before the rows makes. Throws what the server did not refuse, but could not do. */
  addItem(item: SqlItem, error: unknown): void {
    if (!isRefusal(error)) throw error;
    if (!this.isConsequence(item, error)) this.#items.push({ item, error });
    this.#unmade.add(nameOf(item));
  }

  /** Whether it is nothing without a relation or schema that was left out, and so needs no word of its own. */
  isConsequence(item: SqlItem, { cause }: Error): boolean {
    return (
      isServerError(cause) &&
      isAbsent.has(cause.code) &&
      this.#items.some((left) => cause.message.includes(`"${nameOf(left.item)}"`) && isOf(item, left.item))
    );
  }

  /** Loads rows of a relation, or sets a sequence. */
  async excuse(relation: QualifiedName | undefined, load: () => Promise<unknown>): Promise<void> {
    try {
      await load();
    } catch (error) {
      if (relation === undefined || this.#replaced !== undefined || !isRefusal(error)) throw error;
      const name = plainName(relation);
      if (!this.#rows.has(name)) this.#rows.set(name, error);
    }
  }

  /** Whether rows of the table are lacking. */
  has(table: QualifiedName): boolean {
    return this.#rows.has(plainName(table));
  }

  /** Before rows are loaded: TARGET_FAILED when none of the tables was made, or when nothing may be lacking. */
  assertMayLack(tables: readonly QualifiedName[]): void {
    const [first] = this.#items;
    if (first === undefined) return;
    if (this.#replaced !== undefined)
      throw leftAsItWas(
        this.#replaced,
        this.#items.map(({ error }) => error),
      );
    if (tables.length > 0 && tables.every((table) => this.#unmade.has(plainName(table)))) throw first.error;
  }

  /** The definitions first, then each table with the rows that it lacks. */
  report(database: string, manifest: Manifest, loaded: Loaded, reporter: Reporter): void {
    const tables = new Map(manifest.tables.map((table) => [table.name, table]));
    const tell = (file: string, name: string, error: HoldfastError): void => {
      const table = this.#rows.has(name) ? tables.get(name) : undefined;
      const path = table?.entries.find((entry) => !loaded.has(entry)) ?? file;
      const rows = table ? lackingRows(table, loaded) : 0;
      reporter.fail(`${databasePath(database)}/${path}`, withLackingRows(error, rows));
    };
    for (const { item, error } of this.#items) tell(databaseFiles.preData, nameOf(item), error);
    for (const [name, error] of this.#rows)
      if (!this.#unmade.has(name)) tell(databaseFiles.contents, name, error);
  }
}

const lackingRows = ({ entries, rows }: ManifestTable, loaded: Loaded): number =>
  rows - entries.reduce((sum, entry) => sum + (loaded.get(entry)?.rows ?? 0), 0);

/** By its type, the name as the server says it. */
const nameOf = ({ type, schema, name }: SqlItem): string =>
  type === 'SCHEMA' ? name : plainName({ schema, name });

const isAbsent = new Set<string>([state.undefinedTable, state.undefinedSchema]);

/** Whether an item belongs to a relation or a schema, as far as its type and name tell. */
const isOf = ({ type, schema, name, statements }: SqlItem, left: SqlItem): boolean => {
  const isIdentity = type === 'SEQUENCE' && statements[0]?.startsWith('ALTER TABLE') === true;
  if (belongings.has(type) || isIdentity) return true;
  if (left.type === 'SCHEMA') return schema === left.name && (namedByTable.has(type) || type === 'INDEX');
  if (type === 'INDEX')
    return / ON (.*?) USING /s.exec(statements[0] ?? '')?.[1]?.includes(left.name) ?? false;
  return namedByTable.has(type) && schema === left.schema && name.startsWith(`${left.name} `);
};

const belongings = new Set([
  'ACL',
  'COMMENT',
  'INDEX ATTACH',
  'SECURITY LABEL',
  'SEQUENCE OWNED BY',
  'TABLE ATTACH',
]);

/** pg_dump calls these 'orders orders_check'. */
const namedByTable = new Set(['CONSTRAINT', 'DEFAULT', 'FK CONSTRAINT', 'POLICY', 'RULE', 'TRIGGER']);
