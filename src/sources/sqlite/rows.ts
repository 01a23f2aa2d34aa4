// The rows of a table as lines of SQL, straight from SQLite into chunks.
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as otherWork } from 'node:timers/promises';
import { throwIfCancelled } from '#lib/clock.ts';
import { blobPieces, inOneLine, textPieces } from './literal.ts';
import { insertPrefix, insertSuffix, selectLines, selectValues } from './row-sql.ts';
import type { Table } from './schema.ts';
import { resultCode, sqliteCode } from './sqlite-error.ts';

export interface RowSource {
  readonly db: DatabaseSync;
  readonly table: Table;
  /** The database's: 'UTF-8', 'UTF-16le' or 'UTF-16be'. */
  readonly encoding: string;
  readonly signal: AbortSignal;
}

/**
 * All rows in the order of the table's own b-tree, each an INSERT in a line of its own, in chunks of about 256 KiB. Between
 * chunks other work gets its turn, since reading blocks. Memory is bounded by the largest row: about three times its size.
 */
export async function* tableRows(source: RowSource): AsyncGenerator<Uint8Array> {
  let chunk = '';
  for (const piece of rowPieces(source)) {
    chunk += piece;
    if (chunk.length < chunkCharacters) continue;
    yield Buffer.from(chunk, 'utf8');
    chunk = '';
    await otherWork();
    throwIfCancelled(source.signal);
  }
  if (chunk !== '') yield Buffer.from(chunk, 'utf8');
}

const chunkCharacters = 256 * 1024;

/** Rows beyond this are never built as one string. */
const largestLine = 16 * 1024 * 1024;

function* rowPieces(source: RowSource): Generator<string> {
  // SQLite turns UTF-16 into UTF-8 without a word about what is not valid, so such texts are taken as bytes.
  const taken = source.encoding === 'UTF-8' ? yield* plainRows(source) : 0;
  if (taken !== allRows) yield* exactRows(source, taken);
}

const allRows = 'all rows';

/**
 * Takes lines as SQLite makes them, until one is met that a string cannot hold exactly (bytes that are not UTF-8 show as
 * U+FFFD), that has a NUL, or that is large. Returns the number of rows taken before that one.
 */
function* plainRows({ db, table }: RowSource): Generator<string, number | typeof allRows> {
  const bodyStart = insertPrefix(table).length;
  let taken = 0;
  db.limits.length = largestLine;
  try {
    for (const row of db.prepare(selectLines(table, 0), { returnArrays: true }).iterate()) {
      const line = row[0] as string;
      if (line.includes('\ufffd') || line.includes('\0')) return taken;
      yield line.includes('\n') ? `${inOneLine(line, bodyStart)}\n` : `${line}\n`;
      taken += 1;
    }
    return allRows;
  } catch (error) {
    if (sqliteCode(error) === resultCode.tooBig) return taken;
    throw error;
  }
}

/** Takes each value by itself, as its bytes: slower, exact for whatever a database can hold, and in pieces. */
function* exactRows({ db, table, encoding }: RowSource, skipRows: number): Generator<string> {
  const prefix = insertPrefix(table);
  const statement = db.prepare(selectValues(table, skipRows), { returnArrays: true });
  const rows = statement.iterate();
  try {
    for (;;) {
      db.limits.length = Number.POSITIVE_INFINITY; // another table's rows may have lowered it meanwhile
      const { done, value: row } = rows.next();
      if (done) return;
      yield prefix;
      yield* valuePieces(row as unknown as readonly RawValue[], encoding);
      yield `${insertSuffix}\n`;
    }
  } finally {
    rows.return?.();
  }
}

type RawValue = string | number | Uint8Array;

function* valuePieces(row: readonly RawValue[], encoding: string): Generator<string> {
  for (let at = 0; at < row.length; at += 2) {
    if (at > 0) yield ',';
    const kind = row[at];
    const value = row[at + 1] as RawValue;
    if (typeof value === 'string') yield value;
    else if (value instanceof Uint8Array) yield* kind === 1 ? textPieces(value, encoding) : blobPieces(value);
  }
}
