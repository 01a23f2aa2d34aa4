// The schema of a snapshot, made anew in memory without its rows. SQLite itself thus parses what the files say, and what is
// made in the target are the definitions it understood, one by one.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { type Guard, guard } from './authorizer.ts';
import { leadingName, quoteName } from './identifiers.ts';
import { columnList, readSchema, type Schema } from './schema.ts';
import { statementsOf } from './schema-files.ts';

export interface Scratch extends Disposable {
  readonly db: DatabaseSync;
  /** Definitions that SQLite refused here, for instance for a collation that only the application has. */
  readonly failures: readonly Failure[];
  /** Runs the statements of create.sql or finish.sql; those that fail are noted. */
  load(file: string): void;
  schema(): Schema;
  drop(type: 'view' | 'trigger', name: string): void;
  /** Renames tables, and them in all that refers to them, as ALTER TABLE does. */
  rename(names: readonly (readonly [from: string, to: string])[]): void;
}

/** What could not be made, and why. */
export interface Failure {
  readonly type: 'table' | 'index' | 'view' | 'trigger' | 'statement';
  readonly name: string;
  /** Of an index: its table. */
  readonly table?: string;
  readonly error: Error;
}

export const openScratch = (): Scratch => {
  const db = new DatabaseSync(':memory:', memoryOptions);
  db.exec('PRAGMA trusted_schema=OFF');
  const { under } = guard(db);
  const failures: Failure[] = [];
  return {
    db,
    failures,
    load(file) {
      for (const sql of statementsOf(file)) {
        try {
          under({ allow: 'schema file' }, () => db.prepare(sql).run());
        } catch (cause) {
          failures.push(refused(sql, cause));
        }
      }
    },
    schema: () => readSchema(db),
    drop: (type, name) => db.exec(`DROP ${type} IF EXISTS main.${quoteName(name)}`),
    rename(names) {
      if (names.length > 0) furnish(db, under);
      for (const [from, to] of names) {
        try {
          db.exec(`ALTER TABLE main.${quoteName(from)} RENAME TO ${quoteName(to)}`);
        } catch (cause) {
          throw new HoldfastError('TARGET_FAILED', `${from} cannot be renamed ${to}: ${messageOf(cause)}`, {
            cause,
            hint: 'restore it under its own name into a new file',
          });
        }
      }
    },
    [Symbol.dispose]() {
      db.close();
    },
  };
};

const memoryOptions = {
  enableForeignKeyConstraints: false,
  enableDoubleQuotedStringLiterals: true,
  allowExtension: false,
  defensive: false, // virtual tables are entered into the schema
};

/**
 * Renaming connects the virtual tables that triggers use, and those look into what they keep: FTS5 for a version, R-Tree for
 * the size of its nodes. Here all of that is empty.
 */
const furnish = (db: DatabaseSync, under: Guard['under']): void => {
  for (const { owner, name, columns } of readSchema(db).tables) {
    const row = firstRows.get(columns.map((column) => column.name).join());
    if (owner === undefined || row === undefined) continue;
    const insert = `INSERT OR IGNORE INTO main.${quoteName(name)}(${columnList(columns)}) VALUES(?, ?)`;
    under({ allow: 'rows', table: name }, () => db.prepare(insert).run(...row));
  }
};

/** By columns: of `<FTS5>_config` and `<R-Tree>_node`. */
const firstRows = new Map<string, readonly [SQLInputValue, SQLInputValue]>([
  ['k,v', ['version', 4]],
  ['nodeno,data', [1, new Uint8Array(512)]],
]);

const refused = (sql: string, cause: unknown): Failure => {
  const subject = subjectOf(sql);
  const { type, name } = subject;
  const error = new HoldfastError('TARGET_FAILED', `${type} ${name} cannot be made: ${messageOf(cause)}`, {
    cause,
    hint: 'it may need a function or collation that only the application has; docs/sources/sqlite.md shows how to restore by hand',
  });
  return { ...subject, error };
};

const subjectOf = (sql: string): Omit<Failure, 'error'> => {
  const [create, type = ''] = /^CREATE (?:UNIQUE )?(TABLE|INDEX|VIEW|TRIGGER) /.exec(sql) ?? [];
  const rest = sql.slice(create?.length);
  const named = create === undefined ? undefined : leadingName(rest);
  if (named === undefined) return { type: 'statement', name: sql.slice(0, 60) };
  const subject = { type: type.toLowerCase() as Failure['type'], name: named.name };
  const on = /^\s+ON\s+/i.exec(rest.slice(named.length))?.[0];
  const table = on === undefined ? undefined : leadingName(rest.slice(named.length + on.length))?.name;
  return table === undefined ? subject : { ...subject, table };
};
