// The tables of a partial restore: each is made anew, or gets other rows, or comes to stand beside the one that is there.
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import { newNameOf, type Parts, parseNewName } from '../schema-tables.ts';
import { type Beside, besideOf } from './beside.ts';
import type { Connection } from './connect.ts';
import type { Contents, ContentsTable } from './contents.ts';
import { parseName, plainName, type QualifiedName, quoteLiteral, quoteName } from './identifiers.ts';
import { makeMissingSchema } from './missing-schema.ts';
import { makeMissingTypes } from './missing-types.ts';
import { beginReplace } from './replace-rows.ts';
import type { ItemRunner } from './run-items.ts';
import { isAhead, setSequenceSql } from './sequences.ts';
import { isServerError, sqlState, state } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';
import { isOfSchema, itemsOfTable, ownedSequences } from './table-items.ts';

export interface PartTablesOptions {
  /** In the transaction that all of it happens in. */
  readonly connection: Connection;
  readonly contents: Contents;
  readonly reporter: Reporter;
  readonly runner: ItemRunner;
  readonly preData: readonly SqlItem[];
  readonly force: boolean;
  readonly superuser: boolean;
  readonly rename: readonly (readonly [from: string, to: string])[];
}

/** What is done with a table. */
type Plan =
  | { readonly how: 'create'; readonly table: ContentsTable }
  | { readonly how: 'beside'; readonly table: ContentsTable; readonly beside: Beside }
  | { readonly how: 'replace'; readonly table: ContentsTable; readonly finish: () => Promise<void> };

interface Task {
  readonly item: SqlItem;
  /** Throws the error when it matters. */
  onFailure(error: unknown): void;
}

export class PartTables {
  readonly #options: PartTablesOptions;
  readonly #plans = new Map<string, Plan>();
  #schemas: readonly string[] = [];

  constructor(options: PartTablesOptions) {
    this.#options = options;
  }

  has(table: QualifiedName): boolean {
    return this.#plans.has(plainName(table));
  }

  /** Makes what was asked for by name, in the order in which pg_dump found that it can be made. */
  async begin({ tables, schemas }: Parts): Promise<void> {
    const { contents, preData } = this.#options;
    this.#schemas = schemas;
    const isAsked = (table: QualifiedName): boolean =>
      schemas.includes(table.schema) || tables.some((asked) => plainName(asked) === plainName(table));
    const asked = withPartitions(contents, contents.tables.filter(isAsked));
    for (const table of asked) this.#assertMayBeRenamed(table);
    for (const table of asked) this.#plans.set(plainName(table), await this.#plan(table));
    for (const plan of this.#plans.values())
      if (plan.how === 'beside') await plan.beside.begin(this.#options.connection);
    await this.#run(this.#tasksOf(preData.filter(isNotAttached)));
  }

  /** Where the rows of a table go. A table that nobody asked for by name is made as its rows come. */
  async targetOf(table: ContentsTable): Promise<QualifiedName> {
    const plan = this.#plans.get(plainName(table)) ?? (await this.#make(table));
    return plan.how === 'beside' ? plan.beside.table : table;
  }

  async #make(table: ContentsTable): Promise<Plan> {
    const { connection, contents, preData } = this.#options;
    const plan = await this.#plan(table);
    this.#plans.set(plainName(table), plan);
    if (plan.how === 'beside') await plan.beside.begin(connection);
    const items = itemsOfTable(preData.filter(isNotAttached), table, contents);
    await this.#run(items.flatMap((item) => this.#tasksForTable(plan, item)));
    return plan;
  }

  /** Sequences, indexes, constraints and names, when the rows are there. */
  async finish(postData: readonly SqlItem[]): Promise<void> {
    for (const plan of this.#plans.values()) {
      if (plan.how === 'replace') await plan.finish();
      await this.#setSequences(plan);
    }
    const items = [
      ...postData.filter((item) => !refersToOthers.has(item.type) && !isComment(item)),
      ...this.#options.preData.filter(isAttached),
      ...postData.filter(({ type }) => refersToOthers.has(type)),
      ...postData.filter(isComment),
    ];
    await this.#run(this.#tasksOf(items));
    for (const plan of this.#plans.values())
      if (plan.how === 'beside') await plan.beside.finish(this.#options.connection);
  }

  async #plan(table: ContentsTable): Promise<Plan> {
    const { connection, contents, rename, force, superuser } = this.#options;
    this.#assertMayBeRenamed(table);
    const newName = newNameOf(rename, contents.database, table);
    if (newName !== undefined) {
      const to = parseNewName(newName, table, parseName);
      if (!(await this.#exists(to))) {
        await this.#makePlaceFor(table, to);
        return { how: 'beside', table, beside: besideOf(table, to, contents) };
      }
      throw new HoldfastError(
        'TARGET_NOT_EMPTY',
        `${plainName(to)} is there already in database ${connection.database}`,
        {
          hint: 'choose another name, or drop it first',
        },
      );
    }
    if (!(await this.#exists(table))) {
      await this.#makePlaceFor(table, table);
      return { how: 'create', table };
    }
    const isFilled = table.kind === 'table';
    const finish = isFilled ? await beginReplace(connection, table, { force, superuser }) : async () => {};
    return { how: 'replace', table, finish };
  }

  #assertMayBeRenamed(table: ContentsTable): void {
    const { contents, rename } = this.#options;
    if (table.kind !== 'partitioned' || newNameOf(rename, contents.database, table) === undefined) return;
    throw new HoldfastError('USAGE', `${plainName(table)} is partitioned, and cannot have another name`, {
      hint: 'restore the database under another name, or partitions one by one',
    });
  }

  /** Its schema, and the types of its columns. What is in a schema that was asked for comes with the others of its items. */
  async #makePlaceFor(table: QualifiedName, { schema }: QualifiedName): Promise<void> {
    const { connection, contents, reporter, runner } = this.#options;
    const preData = this.#options.preData.filter((item) => !this.#isOfAskedSchema(item));
    const makeSchema = (name: string) =>
      this.#schemas.includes(name) ? undefined : makeMissingSchema(connection, name, this.#options);
    await makeSchema(schema);
    await makeMissingTypes(connection, itemsOfTable(this.#options.preData, table, contents), {
      preData,
      reporter,
      runner,
      makeSchema: async (type) => makeSchema(type.schema),
    });
  }

  async #exists(name: QualifiedName): Promise<boolean> {
    const [row] = await this.#options.connection.query<{ exists: boolean }>(
      `select to_regclass(${quoteLiteral(quoteName(name))}) is not null as exists`,
    );
    return row?.exists ?? false;
  }

  #ownersOf(items: readonly SqlItem[]): Map<SqlItem, Plan> {
    const owners = new Map<SqlItem, Plan>();
    for (const plan of this.#plans.values())
      for (const item of itemsOfTable(items, plan.table, this.#options.contents)) owners.set(item, plan);
    return owners;
  }

  #isOfAskedSchema(item: SqlItem): boolean {
    return this.#schemas.some((schema) => isOfSchema(item, schema));
  }

  /** What asked tables and schemas need of these items, in their order. */
  #tasksOf(items: readonly SqlItem[]): Task[] {
    const owners = this.#ownersOf(items);
    return items.flatMap((item) => {
      const owner = owners.get(item);
      if (owner) return this.#tasksForTable(owner, item);
      return this.#isOfAskedSchema(item) ? this.#taskForSchema(item) : [];
    });
  }

  /** Of a table that is there, all but the rows stays as it is. */
  #tasksForTable(plan: Plan, item: SqlItem): Task[] {
    if (plan.how === 'replace') return [];
    const { connection, reporter } = this.#options;
    const own = plan.how === 'beside' ? plan.beside.translate(item) : item;
    if (!own) {
      reporter.warn(`left out beside the original: ${describe(item)}`);
      return [];
    }
    const onFailure = (error: unknown): void => {
      const mayLack = refersToOthers.has(item.type) || (isComment(item) && isGone(error));
      if (!mayLack || !connection.usable) throw withHint(item, error);
      reporter.warn(`left out: ${messageOf(error)}`);
    };
    return [{ item: own, onFailure }];
  }

  /** Types, functions and views that are there stay as they are. A publication that is not there publishes nothing of it. */
  #taskForSchema(item: SqlItem): Task {
    const onFailure = (error: unknown): void => {
      if (refersToOthers.has(item.type) && this.#options.connection.usable) {
        this.#options.reporter.warn(`left out: ${messageOf(error)}`);
        return;
      }
      const cause = error instanceof Error ? error.cause : undefined;
      if (!isServerError(cause) || !isDuplicate.has(cause.code)) throw error;
      this.#options.reporter.warn(`kept as it is: ${describe(item)}`);
    };
    return { item, onFailure };
  }

  async #run(tasks: readonly Task[]): Promise<void> {
    const { connection, runner } = this.#options;
    const failed = new Map(tasks.map(({ item, onFailure }) => [item, onFailure]));
    const items = [...failed.keys()];
    await runner.runAll(connection, items, (item, error) => failed.get(item)?.(error), 'transaction');
  }

  /** A sequence that is in use only goes forward: its numbers may stand in other tables already. */
  async #setSequences(plan: Plan): Promise<void> {
    const { connection, contents, reporter } = this.#options;
    for (const value of ownedSequences(contents, plan.table)) {
      const moved = plan.how === 'beside' ? plan.beside.sequences.get(value.name) : undefined;
      if (plan.how === 'replace' && !(await this.#exists(value)))
        reporter.warn(`sequence ${plainName(value)} is not there, and was not set`);
      else if (plan.how !== 'replace' || (await isAhead(connection, value)))
        await connection.query(setSequenceSql({ ...value, ...moved }));
    }
  }
}

/** They come last, and where what they refer to is missing they are left out. */
const refersToOthers = new Set([
  'TABLE ATTACH',
  'INDEX ATTACH',
  'FK CONSTRAINT',
  'TRIGGER',
  'RULE',
  'PUBLICATION TABLE',
  'PUBLICATION TABLES IN SCHEMA',
]);

/** A partition joins the others when it has its rows and indexes, which then become part of theirs. */
const isAttached = ({ type }: SqlItem): boolean => type === 'TABLE ATTACH';
const isNotAttached = (item: SqlItem): boolean => !isAttached(item);

/** A table is made with its schema and types, but not with functions or extensions. A function that an index needs may only be out of sight, which has a hint. */
const withHint = ({ type }: SqlItem, error: unknown): unknown => {
  if (!hasCode(error, 'TARGET_FAILED')) return error;
  const code = sqlState(error.cause) ?? '';
  const isSaid = error.hint !== undefined && type !== 'TABLE' && code !== state.undefinedObject;
  if (isSaid || !isLacking.has(code)) return error;
  return new HoldfastError('TARGET_FAILED', error.message, {
    hint: 'make first what the database lacks (create extension …), or restore all of it under another name and take the table from there',
    cause: error.cause,
  });
};

/** An operator class, a type or a language; a function; a relation; a schema. */
const isLacking = new Set<string>([
  state.undefinedObject,
  state.undefinedFunction,
  state.undefinedTable,
  state.undefinedSchema,
]);

/** It comes after what it is about, which may have been left out. */
const isComment = ({ type }: SqlItem): boolean => type === 'COMMENT';
const isGone = (error: unknown): boolean =>
  error instanceof Error && sqlState(error.cause) === state.undefinedObject;

/** Schema, relation, function or another object of that name. */
const isDuplicate = new Set(['42P06', '42P07', '42710', '42723']);

const describe = ({ type, name, schema }: SqlItem): string =>
  `${type.toLowerCase()} ${schema === '-' ? name : `${schema}.${name}`}`;

/** A partitioned table is nothing without its partitions. */
const withPartitions = ({ tables }: Contents, asked: readonly ContentsTable[]): ContentsTable[] => {
  const chosen = new Map(asked.map((table) => [plainName(table), table]));
  for (let size = -1; size !== chosen.size; ) {
    size = chosen.size;
    for (const table of tables)
      if (table.parents.some((parent) => chosen.get(plainName(parent))?.kind === 'partitioned'))
        chosen.set(plainName(table), table);
  }
  return tables.filter((table) => chosen.has(plainName(table)));
};
