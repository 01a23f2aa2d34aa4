// The tables of a query, in a database of SQLite that nobody else sees: beyond a cache it lies in a file that has no name any more.
import { constants, DatabaseSync, type StatementSync } from 'node:sqlite';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { quoteName } from '#sources/sqlite/identifiers.ts';
import type { SqlColumn, SqlValue } from '#sources/table-reader.ts';
import { columnsRead } from './columns-read.ts';

/** What SQLite could not find. */
export interface Unknown {
  readonly kind: 'table' | 'column' | 'joined column';
  /** As the query has it, without its quotes: 'orders', 'public.orders', 'o.id'. */
  readonly name: string;
}

export interface Prepared {
  readonly statement: StatementSync;
  /** Whether the result may depend on this column, or on the table at all. */
  reads(table: SqlTable, ...column: readonly [] | readonly [string]): boolean;
}

export interface SqlTable {
  readonly schema: string;
  readonly name: string;
}

/** Of each schema, in memory. */
const cacheKiB = 64 * 1024;

export class SqlTables implements Disposable {
  readonly #db = new DatabaseSync('', { readBigInts: true });
  readonly #schemas = new Set<string>();
  /** The names of their columns. */
  readonly #columns = new Map<string, string[]>();

  constructor() {
    this.#set('main');
  }

  /** The statement, or what it needs and is not there. USAGE for one that is wrong, or does anything but read. */
  prepare(sql: string): Prepared | Unknown {
    const read = new Set<string>();
    let isRowid = false;
    this.#db.setAuthorizer((action, table, column, schema) => {
      if (action === constants.SQLITE_READ) read.add(place(schema ?? '', table ?? '', column ?? ''));
      isRowid ||= column === rowid && !this.#columns.get(place(schema ?? '', table ?? ''))?.includes(rowid);
      const isAllowed = readingActions.has(action) && !ownTables.test(table ?? '');
      return isAllowed ? constants.SQLITE_OK : constants.SQLITE_DENY;
    });
    try {
      const statement = this.#db.prepare(sql);
      // Such as VACUUM, of which the authorizer is not told.
      if (statement.columns().length === 0 || /^\s*explain\b/i.test(sql)) throw onlyReads();
      if (isRowid) throw noRowid();
      assertOnlyOne(sql.slice(statement.sourceSQL.length));
      if (statement.expandedSQL !== statement.sourceSQL) throw noParameters();
      this.#db.setAuthorizer(null);
      for (const { schema, table, at } of columnsRead(this.#db, sql)) {
        const column = at === undefined ? undefined : this.#columns.get(place(schema, table))?.[at];
        read.add(column === undefined ? place(schema, table) : place(schema, table, column));
      }
      return { statement, reads: ({ schema, name }, ...column) => read.has(place(schema, name, ...column)) };
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      const unknown = error instanceof Error ? unknownIn(error.message) : undefined;
      if (unknown) return unknown;
      throw notTaken(error);
    } finally {
      this.#db.setAuthorizer(null);
    }
  }

  create({ schema, name }: SqlTable, columns: readonly SqlColumn[]): void {
    if (!ownSchemas.has(schema.toLowerCase()) && !this.#schemas.has(schema.toLowerCase())) {
      if (this.#schemas.size === mostSchemas) throw tooManySchemas();
      this.#run(`ATTACH '' AS ${quoteName(schema)}`);
      this.#schemas.add(schema.toLowerCase());
      this.#set(schema);
    }
    this.#columns.set(
      place(schema, name),
      columns.map((column) => column.name),
    );
    // SQLite has no table without columns, as others have.
    const list = (columns.length > 0 ? columns : [{ name: 'nothing', type: '' }])
      .map((column) => `${quoteName(column.name)} ${column.type}`)
      .join(', ');
    this.#run(`CREATE TABLE ${quoteName(schema)}.${quoteName(name)} (${list})`);
  }

  addColumn({ schema, name }: SqlTable, column: string): void {
    this.#columns.get(place(schema, name))?.push(column);
    this.#run(`ALTER TABLE ${quoteName(schema)}.${quoteName(name)} ADD COLUMN ${quoteName(column)}`);
  }

  /** Takes rows with values of these columns until it is ended. */
  inserter({ schema, name }: SqlTable, columns: readonly string[]): (values: readonly SqlValue[]) => void {
    const into = `INSERT INTO ${quoteName(schema)}.${quoteName(name)}`;
    const insert = this.#db.prepare(
      columns.length === 0
        ? `${into} DEFAULT VALUES`
        : `${into} (${columns.map(quoteName).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
    return (values) => {
      insert.run(...values);
    };
  }

  /** All that is inserted by `work` at once, which is many times faster. */
  async filling(work: () => Promise<void>): Promise<void> {
    this.#run('BEGIN');
    await work();
    this.#run('COMMIT');
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /** Nothing needs to survive. */
  #set(schema: string): void {
    for (const setting of ['journal_mode = OFF', 'synchronous = OFF', `cache_size = -${cacheKiB}`])
      this.#db.exec(`PRAGMA ${quoteName(schema)}.${setting}`);
  }

  #run(sql: string): void {
    try {
      this.#db.exec(sql);
    } catch (cause) {
      throw new HoldfastError('FAILED', `SQLite cannot take the tables: ${messageOf(cause)}`, { cause });
    }
  }
}

/** SQLite attaches no more (https://www.sqlite.org/limits.html#max_attached). */
const mostSchemas = 10;

const tooManySchemas = (): HoldfastError =>
  new HoldfastError(
    'USAGE',
    `the query names tables of more than ${mostSchemas} schemas and snapshots of --with`,
    {
      hint: 'ask some of them in another query; a schema need not be named where no other has such a table',
    },
  );

const readingActions: ReadonlySet<number> = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
]);

/** They would tell of our tables, not of the snapshot's. */
const ownTables = /^(?:sqlite_|pragma_|dbstat$)/i;

/** How SQLite tells of its number of a row, by whichever name it was asked for. */
const rowid = 'ROWID';

const noRowid = (): HoldfastError =>
  new HoldfastError('USAGE', 'the rowid (oid, _rowid_) of a row is not in a snapshot', {
    hint: `an INTEGER PRIMARY KEY has it by its own name; a document's field is document->>'$.oid'`,
  });

const noParameters = (): HoldfastError =>
  new HoldfastError(
    'USAGE',
    'the query has a parameter (?, :name, @name or $name), and nothing to put there',
    {
      hint: 'write the value itself; texts stand in single quotes',
    },
  );

const onlyReads = (cause?: unknown): HoldfastError =>
  new HoldfastError('USAGE', 'a query can only read, and only tables of the snapshot', {
    cause,
    hint: 'without a query, the command lists them',
  });

const notTaken = (cause: unknown): HoldfastError => {
  const message = messageOf(cause);
  if (/^not authorized$|is prohibited$/.test(message)) return onlyReads(cause);
  return new HoldfastError('USAGE', `SQLite does not take the query: ${message}`, {
    cause,
    hint: message.startsWith('near ".":')
      ? 'a name has one dot at most: put its second part in double quotes, as in before."public.orders"'
      : 'one SELECT, as on https://www.sqlite.org/lang_select.html',
  });
};

/** SQLite has them, and looks there for a table whose schema is not named. */
export const ownSchemas: ReadonlySet<string> = new Set(['main', 'temp']);

const place = (...names: readonly string[]): string => JSON.stringify(names).toLowerCase();

/** SQLite stops at the first semicolon, and would say nothing of the rest. */
const assertOnlyOne = (rest: string): void => {
  if (/^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*$/.test(rest)) return;
  throw new HoldfastError('USAGE', 'the query is more than one statement', {
    hint: 'ask one after the other',
  });
};

/** As SQLite says it: `no such table: public.orders`, `no such column: "x" - should this be a string literal in single-quotes?` */
const unknownIn = (message: string): Unknown | undefined => {
  const [, joined] =
    /^cannot join using column ([\s\S]*) - column not present in both tables$/.exec(message) ?? [];
  if (joined !== undefined) return { kind: 'joined column', name: joined };
  const [, kind, name = ''] = /^no such (table|column): ([\s\S]*)$/.exec(message) ?? [];
  if (kind === 'table') return { kind, name };
  if (kind !== 'column') return undefined;
  const [, quoted] = /^"([\s\S]*)" - should this be /.exec(name) ?? [];
  return { kind, name: quoted ?? name };
};
