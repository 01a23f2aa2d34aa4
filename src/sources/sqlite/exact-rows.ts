// Rows value by value: slower than whole lines, exact for whatever a database can hold, and in pieces.
import type { DatabaseSync } from 'node:sqlite';
import { blobPieces, textPieces } from './literal.ts';
import { insertPrefix, insertSuffix, largeValues, type Place, selectBytes, selectValues } from './row-sql.ts';
import type { Column, Table } from './schema.ts';

interface ExactSource {
  readonly db: DatabaseSync;
  readonly table: Table;
  readonly encoding: string;
}

/** The pieces of at most `limit` rows. Returns the place after the last; nothing when no more rows follow. */
export function* exactRows(
  source: ExactSource,
  from: Place,
  limit: number,
): Generator<string, Place | undefined> {
  const { db, table } = source;
  const prefix = insertPrefix(table);
  const hasRowid = table.columns[0]?.rowid !== undefined;
  let place = from;
  let taken = 0;
  for (const row of db.prepare(selectValues(table, from), { returnArrays: true }).iterate()) {
    if (taken === limit) return place;
    const values = row as unknown as readonly string[];
    yield prefix;
    yield* valuePieces(source, values, place);
    yield `${insertSuffix}\n`;
    taken += 1;
    place = hasRowid ? { after: BigInt(values[0] as string), skip: 0 } : { ...place, skip: place.skip + 1 };
  }
  return undefined;
}

function* valuePieces(source: ExactSource, values: readonly string[], before: Place): Generator<string> {
  for (const [at, value] of values.entries()) {
    if (at > 0) yield ',';
    const column = source.table.columns[at] as Column;
    if (value === largeValues.blob) yield* blobPieces(bytesOf(source, column, before));
    else if (value === largeValues.text) yield* textPieces(bytesOf(source, column, before), source.encoding);
    else if (value.startsWith('t')) yield* textPieces(Buffer.from(value.slice(1), 'hex'), source.encoding);
    else yield value;
  }
}

/** The column of the row after the place. The statement is done when its first row is there. */
const bytesOf = ({ db, table }: ExactSource, column: Column, before: Place): Uint8Array => {
  db.limits.length = Number.POSITIVE_INFINITY; // another table's rows may have lowered it
  const row = db.prepare(selectBytes(table, column, before), { returnArrays: true }).get();
  return (row as unknown as readonly [Uint8Array])[0];
};
