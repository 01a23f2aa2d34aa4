// Tables, indexes, views and triggers in a target.
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { firstOf } from './damage.ts';
import { leadingName, quoteName } from './identifiers.ts';
import { all } from './query.ts';
import type { Definition } from './schema.ts';
import { unfitSnapshot } from './sqlite-error.ts';
import type { Target } from './target.ts';

/** How a target's connection is opened: old schemas may have texts in double quotes, and rows come before what they refer to. */
export const writeOptions = {
  enableForeignKeyConstraints: false,
  enableDoubleQuotedStringLiterals: true,
  allowExtension: false,
  defensive: false, // virtual tables are entered into the schema
} as const;

/** Makes what the definition says, and nothing else: only its first statement is run, and only if it is of the right sort. */
export const makeDefinition = (
  { db, guard }: Pick<Target, 'db' | 'guard'>,
  { type, name, sql }: Definition,
): void => {
  try {
    if (!beginnings[type].test(sql)) throw new Error('its definition is not one');
    guard.under({ allow: 'definition' }, () => db.prepare(sql).run());
  } catch (cause) {
    throw new HoldfastError('TARGET_FAILED', `${type} ${name} cannot be made: ${messageOf(cause)}`, {
      cause,
      hint: 'the target is as it was; docs/sources/sqlite.md shows how to restore by hand',
    });
  }
};

const beginnings = {
  table: /^CREATE TABLE /,
  index: /^CREATE (UNIQUE )?INDEX /,
  view: /^CREATE VIEW /,
  trigger: /^CREATE TRIGGER /,
} as const;

/** Enters virtual tables into the schema; what they keep is there already. */
export const makeVirtualTables = ({ db }: Pick<Target, 'db'>, definitions: readonly Definition[]): void => {
  if (definitions.length === 0) return;
  db.exec('PRAGMA writable_schema=ON');
  const insert = db.prepare(
    "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) VALUES('table', ?1, ?1, 0, ?2)",
  );
  for (const { name, sql } of definitions) insert.run(name, sql);
  // Such an entry alone tells nobody that the schema has changed.
  const { schema_version: version = 0 } =
    all<{ schema_version?: number }>(db, 'PRAGMA schema_version')[0] ?? {};
  db.exec(`PRAGMA schema_version=${version + 1}; PRAGMA writable_schema=RESET`);
};

/** The table or view of that name, if there is one. */
export const existing = (
  db: DatabaseSync,
  name: string,
): { readonly type: string; readonly name: string } | undefined =>
  all<{ type: string; name: string }>(
    db,
    "SELECT type, name FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')",
    name,
  )[0];

/** Drops the table or view of that name, if there is one. */
export const dropExisting = (db: DatabaseSync, name: string): void => {
  const found = existing(db, name);
  if (found === undefined) return;
  try {
    db.exec(`DROP ${found.type} main.${quoteName(found.name)}`);
  } catch (cause) {
    throw new HoldfastError(
      'TARGET_FAILED',
      `${found.type} ${name} cannot be replaced: ${messageOf(cause)}`,
      {
        cause,
        hint: 'the target is as it was; drop it by hand, or restore under another name',
      },
    );
  }
};

/** A definition under another name, for what belongs to a renamed table; SQLite has one space of names for all of a database. */
export const definitionAs = (definition: Definition, name: string): Definition => {
  const [create = ''] = /^CREATE (?:(?:UNIQUE )?INDEX|TRIGGER) /.exec(definition.sql) ?? [];
  let rest = withoutName(definition.sql.slice(create.length));
  const dot = /^\s*\.\s*/.exec(rest); // it was made as main.name
  if (dot !== null) rest = withoutName(rest.slice(dot[0].length));
  return { ...definition, name, sql: `${create}${quoteName(name)}${rest}` };
};

const withoutName = (sql: string): string => sql.slice(leadingName(sql)?.length ?? 0);

export const damaged = (path: string, damage: readonly string[]): HoldfastError =>
  unfitSnapshot(`${path} would be damaged: ${firstOf(damage)}`);
