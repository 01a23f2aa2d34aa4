// Lines of rows into a table: many rows in one statement, a long row by itself with its values bound.
import { isUtf8 } from 'node:buffer';
import type { DatabaseSync } from 'node:sqlite';
import { letOthersWork } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { createRowCounter, type RowCount } from '#lib/row-checksum.ts';
import type { Content } from '../source.ts';
import type { Guard } from './authorizer.ts';
import { quoteName } from './identifiers.ts';
import { linePieces } from './line-pieces.ts';
import { type LongRow, readLongRow } from './long-row.ts';
import { unfitSnapshot } from './sqlite-error.ts';

export interface Loading {
  readonly db: DatabaseSync;
  readonly guard: Guard;
  /** The table as the lines name it, and as it is named in the target. */
  readonly table: string;
  readonly into: string;
  readonly content: Content;
  readonly signal: AbortSignal;
}

/** Inserts every line, or throws. What it returns is the count of the lines, for comparison with the manifest. */
export const loadRows = async (loading: Loading): Promise<RowCount> => {
  const counter = createRowCounter('lines');
  const loader = rowLoader(loading);
  for await (const { bytes, whole } of linePieces(loading.content)) {
    counter.update(bytes);
    if (whole) loader.loadLines(bytes);
    else loader.loadPart(bytes);
    await letOthersWork(loading.signal);
  }
  const count = counter.finish();
  const made = loader.finish();
  if (made !== count.rows) throw malformed(loading.table, `${count.rows} lines made ${made} rows`);
  return count;
};

/** Rows in one statement: enough for it to pay, little enough to stay in the processor's cache. */
const batchBytes = 64 * 1024;
const newline = 0x0a;

interface RowLoader {
  loadLines(lines: Buffer): void;
  /** Takes a part of a long line; the line is loaded when its newline comes. */
  loadPart(part: Buffer): void;
  /** The number of rows made. */
  finish(): number;
}

const rowLoader = (loading: Loading): RowLoader => {
  const { table } = loading;
  /** All lines begin alike, as the first one does. */
  let insert: Insert | undefined;
  let longRow: LongRow | undefined;
  let rows = 0;
  return {
    loadLines(lines) {
      if (!isUtf8(lines)) throw malformed(table, 'a line is not UTF-8');
      insert ??= prepareInsert(loading, lines);
      for (const tuples of batches(lines, insert.prefix, table)) rows += insert.run(tuples, []);
    },
    loadPart(part) {
      insert ??= prepareInsert(loading, part);
      if (longRow === undefined && !beginsWith(part, 0, insert.prefix)) throw malformed(table, notInsert);
      const body = longRow === undefined ? part.subarray(insert.prefix.length - 1) : part;
      longRow ??= readLongRow();
      longRow.push(body);
      if (part.at(-1) !== newline) return;
      const { sql, values } = longRow.finish();
      longRow = undefined;
      rows += insert.run(sql, values);
    },
    finish() {
      if (longRow !== undefined) throw malformed(table, cutOff);
      return rows;
    },
  };
};

interface Insert {
  /** `INSERT INTO "orders"("id","total") VALUES(` */
  readonly prefix: Buffer;
  /** Inserts the tuples; returns how many rows that made. */
  run(tuples: string, values: readonly (string | Uint8Array)[]): number;
}

const prepareInsert = ({ db, guard, table, into }: Loading, lines: Buffer): Insert => {
  const start = `INSERT INTO ${quoteName(table)}`;
  const line = lines.toString('utf8', 0, longestPrefix);
  const columns = columnsOfInsert.exec(line.slice(start.length))?.[0];
  if (!line.startsWith(start) || columns === undefined) throw malformed(table, notInsert);
  const sql = `INSERT INTO main.${quoteName(into)}${columns.slice(0, -1)}`;
  return {
    prefix: Buffer.from(start + columns),
    run(tuples, values) {
      try {
        const insert = () => db.prepare(sql + tuples).run(...values).changes;
        return Number(guard.under({ allow: 'rows', table: into }, insert));
      } catch (cause) {
        const message = `rows of table ${table} cannot be loaded: ${messageOf(cause)}`;
        const hint = 'the target is as it was; docs/sources/sqlite.md shows how to restore by hand';
        throw new HoldfastError('TARGET_FAILED', message, { cause, hint });
      }
    },
  };
};

/** Room for two thousand columns. */
const longestPrefix = 512 * 1024;
const columnsOfInsert = /^\((?:"(?:[^"]|"")*"|rowid|_rowid_|oid)(?:,"(?:[^"]|"")*")*\) VALUES\(/;

/** The rows of whole lines as tuples, `(1,'a'),(2,'b')`, in batches. */
function* batches(lines: Buffer, prefix: Buffer, table: string): Generator<string> {
  let tuples: string[] = [];
  let size = 0;
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf(newline, at);
    if (end < 0) throw malformed(table, cutOff);
    if (!beginsWith(lines, at, prefix) || lines.toString('latin1', end - 2, end) !== ');')
      throw malformed(table, notInsert);
    tuples.push(lines.toString('utf8', at + prefix.length - 1, end - 1));
    size += end - at;
    at = end + 1;
    if (size < batchBytes && at < lines.length) continue;
    yield tuples.join(',');
    tuples = [];
    size = 0;
  }
}

const beginsWith = (bytes: Buffer, at: number, prefix: Buffer): boolean =>
  bytes.length - at > prefix.length && bytes.compare(prefix, 0, prefix.length, at, at + prefix.length) === 0;

const cutOff = 'the last line is cut off';
const notInsert = 'a line is not an INSERT into it';

const malformed = (table: string, what: string): HoldfastError =>
  unfitSnapshot(`the snapshot’s rows of table ${table} are damaged: ${what}`);
