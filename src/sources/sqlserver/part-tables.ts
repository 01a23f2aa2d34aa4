// The tables of a partial restore: each is made anew, or gets other rows, or comes to stand beside the one that is there.
import { HoldfastError } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import { newNameOf, type Parts, parseNewName } from '../schema-tables.ts';
import type { Connection } from './connect.ts';
import { foreignKeySql } from './constraint-sql.ts';
import {
  parseName,
  plainName,
  type QualifiedName,
  quoteIdentifier,
  quoteName,
  quoteText,
} from './identifiers.ts';
import type { Contents, Table } from './model.ts';
import { runStatements } from './run-statements.ts';
import { errorNumber, serverMessage } from './server-error.ts';
import { companionStatements, keyStatements, type Statement } from './statements.ts';
import { createTableSql, reseedSql } from './table-sql.ts';

export interface PartOptions {
  readonly connection: Connection;
  readonly contents: Contents;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly force: boolean;
  readonly rename: readonly (readonly [from: string, to: string])[];
}

interface Part {
  readonly from: Table;
  /** The same under the name that it gets. */
  readonly into: Table;
  readonly isNew: boolean;
  /** Constraints and triggers of a table that is in use, which wait while its rows are changed. */
  readonly resume: readonly string[];
}

export class PartTables {
  readonly #options: PartOptions;
  readonly #parts = new Map<string, Part>();

  constructor(options: PartOptions) {
    this.#options = options;
  }

  /** Makes room for what was asked for by name; tables of schemas and of rows that come follow as they are met. */
  async begin({ tables, schemas }: Parts): Promise<void> {
    const { contents } = this.#options;
    for (const wanted of tables)
      if (!contents.tables.some((table) => plainName(table) === plainName(wanted)))
        throw new HoldfastError(
          'USAGE',
          `the backup of ${contents.database.name} has no table ${plainName(wanted)}`,
          {
            hint: 'give its name as `holdfast ls` shows it: schema.table',
          },
        );
    const names = new Set(tables.map(plainName));
    for (const table of contents.tables)
      if (names.has(plainName(table)) || schemas.includes(table.schema)) await this.targetOf(table);
  }

  has(table: QualifiedName): boolean {
    return this.#parts.has(plainName(table));
  }

  /** The table to load, made or emptied when it is first asked for. */
  async targetOf(table: Table): Promise<Table> {
    const name = plainName(table);
    const known = this.#parts.get(name);
    if (known) return known.into;
    const { contents, rename } = this.#options;
    const to = newNameOf(rename, contents.database.name, table);
    const into = to === undefined ? table : renamedTable(table, parseNewName(to, table, parseName));
    const part = (await this.#exists(into)) ? await this.#empty(table, into) : await this.#make(table, into);
    this.#parts.set(name, part);
    return part.into;
  }

  /** Keys, indexes and constraints of what was made; what waited goes on. TARGET_FAILED when the rows do not fit. */
  async finish(): Promise<void> {
    const { connection, reporter, signal } = this.#options;
    for (const { into, isNew, resume } of this.#parts.values()) {
      const made: Statement[] = isNew ? keyStatements(into) : [];
      const again = resume.map((sql) => ({ what: `constraints of ${plainName(into)}`, batches: [sql] }));
      const reseed = reseedSql(into);
      const counter =
        reseed === undefined ? [] : [{ what: `identity of ${plainName(into)}`, batches: [reseed] }];
      // The first refusal ends the transaction: whatever followed it would change the table as it was before.
      for (const statement of [...made, ...again, ...counter]) {
        const [failure] = await runStatements(connection, [statement], { reporter, signal });
        if (failure) throw failure.error;
      }
    }
  }

  /** What a table can be without: foreign keys to tables that may be missing, triggers, properties, permissions. */
  async decorate(): Promise<void> {
    const { connection, contents, reporter, signal } = this.#options;
    for (const { from, into, isNew } of this.#parts.values()) {
      if (!isNew) continue;
      const isRenamed = plainName(from) !== plainName(into);
      const keys = into.foreignKeys.map(
        (key): Statement => ({
          what: `foreign key ${key.name} on ${plainName(into)}`,
          batches: foreignKeySql(into, key),
          isDecoration: true,
        }),
      );
      const companions = isRenamed ? [] : companionStatements(contents, from);
      const statements = [...keys, ...companions].map((each): Statement => ({ ...each, isDecoration: true }));
      await runStatements(connection, statements, { reporter, signal });
      if (isRenamed && companionStatements(contents, from).length > 0)
        reporter.warn(
          `triggers, properties and permissions of ${plainName(from)} are not made for ${plainName(into)}`,
        );
      if (from.history)
        reporter.warn(`${plainName(into)} keeps no history: that comes back with the whole database`);
    }
  }

  async #exists(table: QualifiedName): Promise<boolean> {
    const [row] = await this.#options.connection.query<{ id: number | null }>(
      `SELECT OBJECT_ID(${quoteText(quoteName(table))}, N'U') AS id`,
    );
    return row?.id !== null && row?.id !== undefined;
  }

  async #make(from: Table, into: Table): Promise<Part> {
    const { connection } = this.#options;
    const [schema] = await connection.query<{ id: number | null }>(
      `SELECT SCHEMA_ID(${quoteText(into.schema)}) AS id`,
    );
    if (schema?.id === null || schema?.id === undefined)
      await this.#run(into, `CREATE SCHEMA ${quoteIdentifier(into.schema)}`);
    await this.#run(into, createTableSql(into));
    return { from, into, isNew: true, resume: [] };
  }

  async #empty(from: Table, into: Table): Promise<Part> {
    const { connection, force } = this.#options;
    const name = quoteName(into);
    const [row] = await connection.query<{ found: number }>(
      `SELECT COUNT(*) AS found FROM (SELECT TOP 1 1 AS one FROM ${name}) AS first`,
    );
    if (Number(row?.found ?? 0) > 0 && !force)
      throw new HoldfastError('TARGET_NOT_EMPTY', `table ${plainName(into)} has rows`, {
        hint: 'restore it under another name with --as, or say --force to replace its rows',
      });
    const references = await connection.query<{
      schema: string;
      table: string;
      name: string;
      untrusted: number;
    }>(
      `select s.name as [schema], t.name as [table], f.name, cast(f.is_not_trusted as int) as untrusted from sys.foreign_keys f
        join sys.tables t on t.object_id = f.parent_object_id join sys.schemas s on s.schema_id = t.schema_id
        where (f.referenced_object_id = object_id(${quoteText(name)}) or f.parent_object_id = object_id(${quoteText(name)})) and f.is_disabled = 0`,
    );
    const triggers = await connection.query<{ name: string }>(
      `select name from sys.triggers where parent_id = object_id(${quoteText(name)}) and is_disabled = 0`,
    );
    const alter = (key: (typeof references)[number], how: string): string =>
      `ALTER TABLE ${quoteName({ schema: key.schema, name: key.table })} ${how} CONSTRAINT ${quoteIdentifier(key.name)}`;
    for (const key of references) await this.#run(into, alter(key, 'NOCHECK'));
    for (const trigger of triggers)
      await this.#run(into, `ALTER TABLE ${name} DISABLE TRIGGER ${quoteIdentifier(trigger.name)}`);
    await this.#run(into, `DELETE FROM ${name}`);
    return {
      from,
      into,
      isNew: false,
      resume: [
        ...references.map((key) => alter(key, Number(key.untrusted) === 1 ? 'CHECK' : 'WITH CHECK CHECK')),
        ...triggers.map((trigger) => `ALTER TABLE ${name} ENABLE TRIGGER ${quoteIdentifier(trigger.name)}`),
      ],
    };
  }

  async #run(table: QualifiedName, sql: string): Promise<void> {
    try {
      await this.#options.connection.run(sql);
    } catch (error) {
      if (errorNumber(error) === undefined) throw error;
      throw new HoldfastError(
        'TARGET_FAILED',
        `table ${plainName(table)} could not be made ready: ${serverMessage(error)}`,
        {
          hint: 'the target may lack a type or function that the table needs, or the right to alter it',
          cause: error,
        },
      );
    }
  }
}

/** Constraints share one name space in a schema, so those of the table that is there keep their names. */
export const renamedTable = (table: Table, to: QualifiedName): Table => {
  const own = (name: string): string => `${name}_${to.name}`.slice(0, 128);
  return {
    ...table,
    ...to,
    columns: table.columns.map((column) =>
      column.default ? { ...column, default: { ...column.default, name: own(column.default.name) } } : column,
    ),
    indexes: table.indexes.map((index) =>
      index.kind === 'primary key' || index.kind === 'unique' ? { ...index, name: own(index.name) } : index,
    ),
    checks: table.checks.map((check) => ({ ...check, name: own(check.name) })),
    foreignKeys: table.foreignKeys.map((key) => ({ ...key, name: own(key.name) })),
  };
};
