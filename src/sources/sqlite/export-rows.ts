// Rows of tables in the order of a column, for exports.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { RowColumn, RowQuery, RowStart, RowTable, RowValues, RowView } from '../source.ts';
import { quoteName, quoteText, sameName } from './identifiers.ts';
import type { SqliteConfig } from './options.ts';
import { all, value } from './query.ts';
import { openForReading } from './reading.ts';
import { cannotRead } from './sqlite-error.ts';

/** Only one writes at a time and what it wrote is seen when it ends: no transaction is seen late. */
export const openRows = async (config: SqliteConfig, context: Context): Promise<RowView> => {
  const reading = await openForReading(config.path, config.busyTimeoutSeconds, context);
  return {
    table: async (name) => {
      try {
        return rowTable(reading.db, name, config.path, context.signal);
      } catch (cause) {
        throw cannotRead(config.path, cause);
      }
    },
    async [Symbol.asyncDispose]() {
      reading.close();
    },
  };
};

const batchRows = 500;

const rowTable = (db: DatabaseSync, wanted: string, path: string, signal: AbortSignal): RowTable => {
  const name = tableNamed(db, wanted);
  const from = quoteName(name);
  const columns = all<Column>(
    db,
    'SELECT name, type, pk, "notnull" AS required FROM pragma_table_xinfo(?) WHERE hidden <> 1',
    name,
  );
  const read = async function* ({ orderBy, thenBy, from: start }: RowQuery): AsyncGenerator<RowValues[]> {
    const by = quoteName(orderBy);
    const at = columns.findIndex((column) => sameName(column.name, orderBy));
    const where = start ? `${binary(by)} >= ${startSql(start)}` : `${by} IS NOT NULL`;
    const order = [orderBy, ...thenBy].map((column) => binary(quoteName(column))).join(', ');
    const list = columns.map((column) => quoteName(column.name)).join(', ');
    const statement = db.prepare(`SELECT ${list} FROM ${from} WHERE ${where} ORDER BY ${order}`);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    let batch: RowValues[] = [];
    for (const row of statement.iterate() as unknown as Iterable<SQLOutputValue[]>) {
      batch.push([...row.map(textOf), literalOf(row[at] ?? null)]);
      if (batch.length < batchRows) continue;
      throwIfCancelled(signal);
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  };
  return {
    name,
    columns: columns.map(describe),
    key: columns
      .filter(({ pk }) => pk > 0)
      .toSorted((a, b) => a.pk - b.pk)
      .map((column) => column.name),
    async *rows(query) {
      try {
        yield* read(query);
      } catch (cause) {
        throw cannotRead(path, cause);
      }
    },
    async last(column) {
      const by = binary(quoteName(column));
      const statement = db.prepare(
        `SELECT ${quoteName(column)} FROM ${from} WHERE ${quoteName(column)} IS NOT NULL ORDER BY ${by} DESC LIMIT 1`,
      );
      statement.setReadBigInts(true);
      const [row] = statement.all();
      return row && literalOf(Object.values(row)[0] ?? null);
    },
    withoutValue: async (column) =>
      columns.some(({ name: own, required }) => own === column && required === 1)
        ? 0
        : value<number>(db, `SELECT count(*) FROM ${from} WHERE ${quoteName(column)} IS NULL`),
    isBefore: async (_column, position, start) =>
      value<number>(db, `SELECT (${position}) COLLATE BINARY < ${startSql(start)}`) === 1,
  };
};

interface Column {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
  readonly required: number;
}

const tableNamed = (db: DatabaseSync, wanted: string): string => {
  const names = all<{ name: string }>(
    db,
    `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
  ).map(({ name }) => name);
  const found = names.find((name) => sameName(name, wanted));
  if (found !== undefined) return found;
  throw new HoldfastError('PATH_UNKNOWN', `there is no table ${wanted}${didYouMean(wanted, names)}`, {
    hint: `the database has ${names.join(', ')}`,
  });
};

/** Columns say what they like to hold, and hold what they are given. */
const describe = ({ name, type }: Column): RowColumn => {
  const isTime = /date|time/i.test(type);
  const isNumber = /int|real|floa|doub|num|dec/i.test(type);
  return {
    name,
    json: isNumber && !isTime ? 'number' : /json/i.test(type) ? 'json' : 'text',
    distance: isTime ? 'time' : isNumber ? 'number' : 'none',
  };
};

/** By the bytes, whatever collation the column has: positions must compare the same everywhere. */
const binary = (sql: string): string => `${sql} COLLATE BINARY`;

/** Times are texts of SQLite's own forms, or numbers; what is neither has no overlap. */
const startSql = ({ position, overlap }: RowStart): string => {
  if (overlap === 0) return `(${position})`;
  if (!position.startsWith("'")) return `(${position}) - ${overlap}`;
  return `coalesce(strftime('%Y-%m-%d %H:%M:%S', ${position}, '-${overlap} seconds'), ${position})`;
};

const textOf = (found: SQLOutputValue): string | null => {
  if (found === null || typeof found === 'string') return found;
  return found instanceof Uint8Array ? Buffer.from(found).toString('hex').toUpperCase() : String(found);
};

/** The value as SQL. */
const literalOf = (found: SQLOutputValue): string => {
  if (found === null) return 'NULL';
  if (typeof found === 'string')
    return found.includes('\0') ? `CAST(X'${Buffer.from(found).toString('hex')}' AS TEXT)` : quoteText(found);
  if (found instanceof Uint8Array) return `X'${Buffer.from(found).toString('hex')}'`;
  const text = String(found);
  if (typeof found === 'bigint') return text;
  if (!Number.isFinite(found)) return found > 0 ? '9e999' : '-9e999';
  return /[.e]/.test(text) ? text : `${text}.0`;
};
