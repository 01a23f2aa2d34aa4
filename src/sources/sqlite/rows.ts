// The rows of a table as lines of SQL, straight from SQLite into chunks.
import type { DatabaseSync } from 'node:sqlite';
import { letOthersWork } from '#lib/clock.ts';
import { resultCode, sqliteCode } from '#lib/sqlite-codes.ts';
import { exactRows } from './exact-rows.ts';
import { inOneLine } from './literal.ts';
import { insertPrefix, type Place, selectLines } from './row-sql.ts';
import type { Table } from './schema.ts';

export interface RowSource {
  readonly db: DatabaseSync;
  readonly table: Table;
  /** The database's: 'UTF-8', 'UTF-16le' or 'UTF-16be'. */
  readonly encoding: string;
  readonly signal: AbortSignal;
}

/**
 * All rows in the order of the table's own b-tree, each an INSERT in a line of its own, in chunks of about 256 KiB. Between
 * chunks other work gets its turn, since reading blocks. Memory is bounded by the largest value: about three times its size.
 */
export async function* tableRows(source: RowSource): AsyncGenerator<Uint8Array> {
  let chunk = '';
  for (const piece of rowPieces(source)) {
    chunk += piece;
    if (chunk.length < chunkCharacters) continue;
    yield Buffer.from(chunk, 'utf8');
    chunk = '';
    await letOthersWork(source.signal);
  }
  if (chunk !== '') yield Buffer.from(chunk, 'utf8');
}

const chunkCharacters = 256 * 1024;

/** Rows beyond this are never built as one string. */
const largestLine = 4 * 1024 * 1024;

/** So many rows are taken exactly before the fast way is tried again. */
const exactAtOnce = 64;

function* rowPieces(source: RowSource): Generator<string> {
  let place: Place | undefined = { skip: 0 };
  // SQLite turns UTF-16 into UTF-8 without a word about what is not valid, so such texts are taken as bytes.
  if (source.encoding !== 'UTF-8') return yield* exactRows(source, place, Number.POSITIVE_INFINITY);
  const hasRowid = source.table.columns[0]?.rowid !== undefined;
  let limit = exactAtOnce;
  for (;;) {
    const before: Place = place;
    place = yield* plainRows(source, before);
    if (place === undefined) return;
    const wasVain = place.after === before.after && place.skip === before.skip;
    // Without a rowid, finding the place again takes longer the further it is.
    limit = wasVain || !hasRowid ? limit * 2 : exactAtOnce;
    place = yield* exactRows(source, place, limit);
    if (place === undefined) return;
  }
}

/**
 * Takes lines as SQLite makes them, until one is met that a string cannot hold exactly (bytes that are not UTF-8 show as
 * U+FFFD), that has a NUL, or that is large. Returns the place before that one; nothing when there was none.
 */
function* plainRows({ db, table }: RowSource, from: Place): Generator<string, Place | undefined> {
  const bodyStart = insertPrefix(table).length;
  let taken = 0;
  let last: string | undefined;
  const placeAfterLast = (): Place => {
    const rowid = table.columns[0]?.rowid ? /^-?\d+/.exec(last?.slice(bodyStart) ?? '')?.[0] : undefined;
    return rowid === undefined ? { ...from, skip: from.skip + taken } : { after: BigInt(rowid), skip: 0 };
  };
  db.limits.length = largestLine;
  try {
    for (const row of db.prepare(selectLines(table, from), { returnArrays: true }).iterate()) {
      const line = row[0] as string;
      if (line.includes('\ufffd') || line.includes('\0')) return placeAfterLast();
      yield line.includes('\n') ? `${inOneLine(line, bodyStart)}\n` : `${line}\n`;
      last = line;
      taken += 1;
    }
    return undefined;
  } catch (error) {
    if (sqliteCode(error) === resultCode.tooBig) return placeAfterLast();
    throw error;
  } finally {
    db.limits.length = Number.POSITIVE_INFINITY;
  }
}
