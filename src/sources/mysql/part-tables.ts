// The tables of a partial restore: each comes where none is, takes the place of the one that is there, or stands beside it.

import { HoldfastError, messageOf } from '#lib/errors.ts';
import { damagedSnapshot } from '../damaged-snapshot.ts';
import type { Pool } from '../pool.ts';
import type { Reporter } from '../restore-report.ts';
import { binaryOf, bytesOf, textOfBinary } from './binary-text.ts';
import type { Connection } from './connect.ts';
import type { Contents } from './contents.ts';
import {
  type CreateTable,
  createTableStatement,
  isForeignKey,
  parseCreateTable,
  withoutCheckName,
} from './create-table.ts';
import { assertKeysHold } from './foreign-keys.ts';
import { parseName, plainName, quoteIdentifier, quoteLiteral, quoteName } from './identifiers.ts';
import { inDatabase, makeTable, setSequence } from './make-tables.ts';
import type { Goal } from './restore-goal.ts';
import { runItem } from './run-items.ts';
import { ServerError } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';
import type { TargetServer } from './target-server.ts';

export interface PartTablesOptions {
  readonly target: TargetServer;
  readonly goal: Goal;
  readonly contents: Contents;
  /** Sequences and tables of the backup. */
  readonly items: readonly SqlItem[];
  readonly reporter: Reporter;
  readonly rename: readonly (readonly [from: string, to: string])[];
  /** The database in which the tables are loaded. */
  readonly staging: string;
  readonly force: boolean;
  /** Of connections to that database. */
  readonly pool: Pool<Connection>;
}

interface Plan {
  readonly name: string;
  /** In the target. */
  readonly newName: string;
  readonly how: 'create' | 'replace' | 'beside';
  readonly item: SqlItem;
  readonly definition: CreateTable;
}

export class PartTables {
  readonly #options: PartTablesOptions;
  readonly #plans = new Map<string, Promise<Plan>>();

  constructor(options: PartTablesOptions) {
    this.#options = options;
  }

  has(table: string): boolean {
    return this.#plans.has(table);
  }

  /** Makes the table to load into; TARGET_NOT_EMPTY when one is there already that may not go. */
  async begin(table: string): Promise<void> {
    const begun = this.#plans.get(table) ?? this.#begin(table);
    this.#plans.set(table, begun);
    await begun;
  }

  /** Everything is loaded: the tables take their places, and get what belongs to them. */
  async finish(postData: readonly SqlItem[]): Promise<void> {
    const { target, goal, staging } = this.#options;
    const plans = await Promise.all(this.#plans.values());
    const placed = plans.filter(({ how }) => how !== 'beside');
    await assertKeysHold(target, { database: goal.name, staging, tables: placed });
    for (const plan of plans) await this.#place(plan);
    for (const plan of plans) await this.#addForeignKeys(plan);
    await using connection = await target.connectTo(goal.name, new AbortController().signal);
    for (const item of postData) {
      const plan = plans.find(({ name }) => item.type === 'trigger' && item.table === name);
      if (!plan) continue;
      if (plan.how === 'beside')
        this.#options.reporter.warn(`left out beside the original: trigger ${item.name}`);
      else await runItem(connection, item, this.#options.reporter);
    }
  }

  async #begin(name: string): Promise<Plan> {
    const plan = await this.#plan(name);
    const { pool, reporter, contents, goal } = this.#options;
    await this.#makeSequences(plan.definition);
    const parts = plan.definition.parts
      .filter((part) => !isForeignKey(part))
      .map((part) => inDatabase(part, contents.database, goal.name));
    const own = plan.how === 'beside' ? parts.map(withoutCheckName) : parts;
    const statement = createTableStatement(name, { parts: own, options: plan.definition.options });
    await pool.use((connection) => makeTable(connection, { ...plan.item, statement }, reporter));
    return plan;
  }

  async #plan(name: string): Promise<Plan> {
    const { items, contents, goal, force, target } = this.#options;
    const item = items.find((each) => each.type === 'table' && each.name === name);
    const definition = item && parseCreateTable(item.statement);
    if (!item || !definition) throw damagedSnapshot(`the snapshot lacks the definition of ${name}`);
    const asked = this.#options.rename.find(
      ([from]) => from === name || from === plainName(contents.database, name),
    );
    const newName = target.nameHere(asked ? tableName(asked[1], goal.name, target) : name);
    const state = await this.#stateOf(newName);
    if (state === 'absent') return { name, newName, how: asked ? 'beside' : 'create', item, definition };
    if (asked || state === 'other' || (state === 'filled' && !force))
      throw new HoldfastError(
        'TARGET_NOT_EMPTY',
        asked || state === 'other'
          ? `${plainName(goal.name, newName)} is there already`
          : `table ${plainName(goal.name, newName)} has rows`,
        {
          hint:
            asked || state === 'other'
              ? 'choose another name, or drop it first'
              : 'give the restored one another name with --as, or say --force to replace it',
        },
      );
    return { name, newName, how: 'replace', item, definition };
  }

  async #stateOf(name: string): Promise<'absent' | 'empty' | 'filled' | 'other'> {
    const { target, goal } = this.#options;
    const rows = await target.admin.query<{ name: string; type: string }>(
      `select table_name as name, table_type as type from information_schema.tables
        where table_schema = ${quoteLiteral(goal.name)} and table_name = ${quoteLiteral(name)}`,
    );
    const found = rows.find((row) => row.name === name);
    if (!found) return 'absent';
    if (found.type === 'VIEW' || found.type === 'SEQUENCE') return 'other';
    const [row] = await target.admin.query<{ filled: string }>(
      `select exists (select 1 from ${quoteName(goal.name, name)}${found.type === 'SYSTEM VERSIONED' ? ' for system_time all' : ''}) as filled`,
    );
    return row?.filled === '0' ? 'empty' : 'filled';
  }

  /** The sequences that the defaults take numbers from, where the target lacks them. */
  async #makeSequences({ parts }: CreateTable): Promise<void> {
    const { items, contents, goal, target, reporter } = this.#options;
    const own = `nextval(${binaryOf(quoteIdentifier(contents.database))}.`;
    for (const item of items) {
      if (
        item.type !== 'sequence' ||
        !parts.some((part) => part.includes(own + binaryOf(quoteIdentifier(item.name))))
      )
        continue;
      if ((await this.#stateOf(target.nameHere(item.name))) !== 'absent') continue;
      await using connection = await target.connectTo(goal.name, new AbortController().signal);
      await runItem(connection, item, reporter);
      await setSequence(connection, item.name, contents);
    }
  }

  /** The one that is there goes just before; whoever asks for it meanwhile finds none. Its next number is never given twice. */
  async #place({ name, newName, how }: Plan): Promise<void> {
    const { target, goal, staging } = this.#options;
    const place = quoteName(goal.name, newName);
    const next = how === 'replace' ? await this.#nextNumber(newName) : undefined;
    if (how === 'replace') await target.admin.run(`drop table ${place}`);
    await target.admin.run(`rename table ${quoteName(staging, name)} to ${place}`);
    if (next !== undefined) await target.admin.run(`alter table ${place} auto_increment = ${next}`);
  }

  async #nextNumber(table: string): Promise<bigint | undefined> {
    const { target, goal } = this.#options;
    const [row] = await target.admin.query<{ next: string | null }>(
      `select auto_increment as next from information_schema.tables
        where table_schema = ${quoteLiteral(goal.name)} and table_name = ${quoteLiteral(table)}`,
    );
    return row?.next ? BigInt(row.next) : undefined;
  }

  async #addForeignKeys({ newName, how, definition }: Plan): Promise<void> {
    const { target, goal, reporter } = this.#options;
    const keys = definition.parts.filter(isForeignKey);
    if (how === 'beside') {
      for (const key of keys) reporter.warn(`left out beside the original: ${textOfBinary(key)}`);
      return;
    }
    if (keys.length === 0) return;
    await using connection = await target.connectTo(goal.name, new AbortController().signal);
    const add = keys.map((key) => `ADD ${key}`).join(', ');
    try {
      await connection.run(bytesOf(`ALTER TABLE ${binaryOf(quoteIdentifier(newName))} ${add}`));
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      reporter.warn(`the foreign keys of ${newName} were left out: ${messageOf(error)}`);
    }
  }
}

/** 'orders_old', or 'shop.orders_old' in the database that it goes to. */
const tableName = (text: string, database: string, { nameHere }: Pick<TargetServer, 'nameHere'>): string => {
  const [first, second] = parseName(text) ?? [];
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined && nameHere(first) === database && second !== undefined) return second;
  throw new HoldfastError('USAGE', `"${text}" is no name for a table of ${database}`, {
    hint: 'say the name alone, with backquotes around it if it has a dot',
  });
};
