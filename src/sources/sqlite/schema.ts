// What a database consists of, read from its schema table.
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '#lib/errors.ts';
import { foldName, quoteName } from './identifiers.ts';
import { mayOwn } from './layout.ts';
import { decode } from './literal.ts';
import { all, value } from './query.ts';

export interface Schema {
  readonly settings: Settings;
  /** Tables with rows of their own, in the order of their making; also those that virtual tables keep their data in. */
  readonly tables: readonly Table[];
  /** Virtual tables: their rows are what other tables hold. */
  readonly virtualTables: readonly Definition[];
  /** Views, triggers, and indexes with a definition of their own, in the order of their making. */
  readonly others: readonly Definition[];
  /** SQLite's own tables: sqlite_sequence (counters of AUTOINCREMENT), sqlite_stat1 and sqlite_stat4 (statistics). */
  readonly internal: readonly Table[];
}

/** What lies in the file's header and survives a restore. */
export interface Settings {
  readonly page_size: number;
  readonly encoding: string;
  readonly auto_vacuum: number;
  readonly user_version: number;
  readonly application_id: number;
}

export interface Definition {
  readonly type: 'table' | 'index' | 'view' | 'trigger';
  readonly name: string;
  /** The table or view it belongs to, as that spells its name; for a table its own name. */
  readonly table: string;
  readonly sql: string;
}

export interface Table extends Definition {
  /** The virtual table that keeps its data here. */
  readonly owner?: string;
  /** What an INSERT gives: the rowid, where no column holds it, then all columns that are not generated. */
  readonly columns: readonly Column[];
}

export interface Column {
  readonly name: string;
  /** As it was declared; '' when it was not. */
  readonly type: string;
  /** It is the rowid, and stands first: 'hidden' where no column holds it (the name is then a keyword), or 'column'. */
  readonly rowid?: 'hidden' | 'column';
}

/** A column as an expression. */
export const columnName = ({ name, rowid }: Column): string => (rowid === 'hidden' ? name : quoteName(name));

/** Reads the schema of the database, in the transaction that is open. */
export const readSchema = (db: DatabaseSync): Schema => {
  const settings = readSettings(db);
  const definitions = readDefinitions(db, settings.encoding);
  const virtualTables = definitions.filter(isVirtual);
  const stored = definitions.filter((each) => each.type === 'table' && !isVirtual(each));
  const tables = readTables(db, stored, virtualTables);
  return {
    settings,
    tables: tables.filter((each) => !isInternal(each)),
    virtualTables,
    others: definitions.filter(({ type }) => type !== 'table'),
    internal: tables.filter(isInternal),
  };
};

/** The names of columns as an INSERT lists them. */
export const columnList = (columns: readonly Column[]): string => columns.map(columnName).join(',');

const isVirtual = ({ type, sql }: Definition): boolean =>
  type === 'table' && /^CREATE VIRTUAL TABLE /i.test(sql);

const isInternal = ({ name }: Definition): boolean => foldName(name).startsWith('sqlite_');

const readSettings = (db: DatabaseSync): Settings => ({
  page_size: value(db, 'PRAGMA page_size'),
  encoding: value(db, 'PRAGMA encoding'),
  auto_vacuum: value(db, 'PRAGMA auto_vacuum'),
  user_version: value(db, 'PRAGMA user_version'),
  application_id: value(db, 'PRAGMA application_id'),
});

const readDefinitions = (db: DatabaseSync, encoding: string): Definition[] => {
  const definitions = all<Definition & { bytes: Uint8Array }>(
    db,
    `SELECT type, name, tbl_name AS "table", sql, CAST(sql AS BLOB) AS bytes
     FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid`,
  );
  for (const definition of definitions) assertWhole(definition);
  const owners = new Map(
    definitions
      .filter(({ type }) => type === 'table' || type === 'view')
      .map(({ name }) => [foldName(name), name]),
  );
  return definitions.map(({ bytes, ...definition }) => {
    // Where SQLite or Node met bytes that are no text, the definition has something else.
    if (decode(bytes, encoding) !== definition.sql)
      throw new HoldfastError(
        'UNSUPPORTED',
        `the definition of "${definition.name}" is not valid ${encoding}`,
        {
          hint: 'rename what has such a name, or correct its definition',
        },
      );
    // A trigger names its table as it was written in it, in whatever case.
    return { ...definition, table: owners.get(foldName(definition.table)) ?? definition.table };
  });
};

/** SQLite itself makes tables of whatever looks like a definition, and reads it as far as a NUL. */
const assertWhole = ({ type, name, table, sql }: Record<keyof Definition, unknown>): void => {
  const texts = [name, table, sql].every((text) => typeof text === 'string' && !text.includes('\0'));
  if (texts && definitionTypes.has(type)) return;
  throw new Error(`malformed database schema (${name}) - its entry is not a whole definition`);
};

const definitionTypes: ReadonlySet<unknown> = new Set<Definition['type']>([
  'table',
  'index',
  'view',
  'trigger',
]);

const readTables = (
  db: DatabaseSync,
  stored: readonly Definition[],
  virtualTables: readonly Definition[],
): Table[] => {
  const kinds = new Map(
    all<TableKind>(db, "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'").map((kind) => [
      kind.name,
      kind,
    ]),
  );
  const owners = virtualTables.map(({ name }) => name).toSorted((a, b) => b.length - a.length);
  return stored.map((definition) => {
    const kind = kinds.get(definition.name);
    const owner = kind?.type === 'shadow' ? owners.find((name) => mayOwn(name, definition.name)) : undefined;
    const columns = readColumns(db, definition.name, kind?.wr === 1);
    return owner === undefined ? { ...definition, columns } : { ...definition, columns, owner };
  });
};

interface TableKind {
  readonly name: string;
  readonly type: 'table' | 'view' | 'virtual' | 'shadow';
  /** 1 for WITHOUT ROWID. */
  readonly wr: number;
}

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
  /** 0 for a column, 2 and 3 for generated ones. */
  readonly hidden: number;
}

const readColumns = (db: DatabaseSync, table: string, withoutRowid: boolean): Column[] => {
  const columns = all<ColumnInfo>(
    db,
    "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?, 'main')",
    table,
  );
  const given = columns.filter(({ hidden }) => hidden === 0).map(({ name, type }) => ({ name, type }));
  if (withoutRowid) return given;
  const key = rowidColumn(db, table, columns);
  if (key !== undefined)
    return [{ name: key, type: 'INTEGER', rowid: 'column' }, ...given.filter(({ name }) => name !== key)];
  const names = columns.map(({ name }) => foldName(name));
  const keyword = ['rowid', '_rowid_', 'oid'].find((name) => !names.includes(name));
  // With all three names taken, no statement can see the rowid, nor tell one from another.
  return keyword === undefined ? given : [{ name: keyword, type: 'INTEGER', rowid: 'hidden' }, ...given];
};

/** The column that is another name of the rowid: an INTEGER PRIMARY KEY that got no index of its own. */
const rowidColumn = (db: DatabaseSync, table: string, columns: readonly ColumnInfo[]): string | undefined => {
  const [key, ...more] = columns.filter(({ pk }) => pk > 0);
  if (key === undefined || more.length > 0 || foldName(key.type) !== 'integer') return undefined;
  const indexes = "SELECT count(*) FROM pragma_index_list(?, 'main') WHERE origin = 'pk'";
  return value<number>(db, indexes, table) === 0 ? key.name : undefined;
};
