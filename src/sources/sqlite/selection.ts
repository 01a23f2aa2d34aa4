// Which tables and views of a database a source takes.
import type { DatabaseSync } from 'node:sqlite';
import { foldName } from './identifiers.ts';
import { value } from './query.ts';
import { readSchema, type Schema } from './schema.ts';
import { cannotRead } from './sqlite-error.ts';

/** Patterns as SQLite's GLOB has them, against the names of tables, virtual tables and views; case does not count. */
export interface Patterns {
  /** Empty means all. */
  readonly tables: readonly string[];
  readonly exclude: readonly string[];
}

export interface Selection {
  readonly schema: Schema;
  /** Patterns of `tables` that fit nothing: what the user asked for and will not get. */
  readonly unmatched: readonly string[];
}

/** Reads the schema of a database and takes the part that was asked for. */
export const selectFrom = (db: DatabaseSync, config: Patterns & { readonly path: string }): Selection => {
  try {
    return select(db, readSchema(db), config);
  } catch (cause) {
    throw cannotRead(config.path, cause);
  }
};

/** The part of the schema that the patterns take. Indexes and triggers follow their tables, shadow tables their virtual table. */
const select = (db: DatabaseSync, schema: Schema, { tables, exclude }: Patterns): Selection => {
  if (tables.length === 0 && exclude.length === 0) return { schema, unmatched: [] };
  const fits = (name: string, pattern: string): boolean =>
    value<number>(db, 'SELECT ? GLOB ?', foldName(name), foldName(pattern)) === 1;
  const named = [
    ...schema.tables.filter(({ owner }) => owner === undefined),
    ...schema.virtualTables,
    ...schema.others.filter(({ type }) => type === 'view'),
  ].map(({ name }) => name);
  const asked = (name: string): boolean => tables.length === 0 || tables.some((each) => fits(name, each));
  const taken = new Set(
    named.filter((name) => asked(name) && !exclude.some((each) => fits(name, each))).map(foldName),
  );
  const takes = (name: string): boolean => taken.has(foldName(name));
  return {
    schema: {
      settings: schema.settings,
      tables: schema.tables.filter(({ name, owner }) => takes(owner ?? name)),
      virtualTables: schema.virtualTables.filter(({ name }) => takes(name)),
      others: schema.others.filter(({ type, name, table }) => takes(type === 'view' ? name : table)),
      internal: schema.internal,
    },
    unmatched: tables.filter((pattern) => !named.some((name) => fits(name, pattern))),
  };
};
