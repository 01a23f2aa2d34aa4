// Lines of rows into a table: many rows in one statement, a large row by itself with its values bound.
import { isUtf8 } from 'node:buffer';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as otherWork } from 'node:timers/promises';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { createRowCounter, type RowCount } from '#lib/row-checksum.ts';
import type { Content } from '../source.ts';
import type { Guard } from './authorizer.ts';
import { quoteName } from './identifiers.ts';
import { bindLongLiterals } from './long-literals.ts';

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
  const load = batchLoader(loading);
  let inserted = 0;
  for await (const lines of wholeLines(loading, (chunk) => counter.update(chunk))) {
    inserted += load(lines);
    await otherWork();
    throwIfCancelled(loading.signal);
  }
  const count = counter.finish();
  if (inserted !== count.rows) throw malformed(loading.table, `${count.rows} lines made ${inserted} rows`);
  return count;
};

/** Enough for a statement to pay, little enough to stay in the processor's cache. */
const batchBytes = 64 * 1024;
/** Longer lines are no longer made part of a statement's text. */
const longLine = 1024 * 1024;
const newline = 0x0a;

/** The content in batches that end with a line's end. */
async function* wholeLines(
  { content, table }: Loading,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<Buffer> {
  let carried: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    onChunk(chunk);
    const bytes = Buffer.from(chunk); // a copy: the producer may use the chunk again
    const end = bytes.lastIndexOf(newline) + 1;
    size += bytes.length;
    if (end === 0 || size < batchBytes) {
      carried.push(bytes);
      continue;
    }
    yield Buffer.concat([...carried, bytes.subarray(0, end)]);
    carried = [bytes.subarray(end)];
    size = bytes.length - end;
  }
  const rest = Buffer.concat(carried);
  if (rest.length === 0) return;
  if (rest.at(-1) !== newline) throw malformed(table, 'the last line is cut off');
  yield rest;
}

/** Loads batches of lines; returns the number of rows each made. All lines begin alike, as the first one does. */
const batchLoader = ({ db, guard, table, into }: Loading): ((lines: Buffer) => number) => {
  let prefix: Buffer | undefined;
  const insert = (tuples: string, values: readonly (string | Uint8Array)[] = []): number => {
    const columns = prefix?.toString('utf8', nameEnd(table), prefix.length - 1);
    const sql = `INSERT INTO main.${quoteName(into)}${columns}${tuples}`;
    try {
      return guard.under({ allow: 'rows', table: into }, () =>
        Number(db.prepare(sql).run(...values).changes),
      );
    } catch (cause) {
      throw new HoldfastError(
        'TARGET_FAILED',
        `rows of table ${table} cannot be loaded: ${messageOf(cause)}`,
        {
          cause,
          hint: 'the target is as it was; docs/sqlite.md shows how to restore by hand',
        },
      );
    }
  };
  return (lines) => {
    if (!isUtf8(lines)) throw malformed(table, 'a line is not UTF-8');
    prefix ??= prefixOf(lines, table);
    let rows = 0;
    let tuples: string[] = [];
    let size = 0;
    const flush = (): void => {
      if (tuples.length > 0) rows += insert(tuples.join(','));
      tuples = [];
      size = 0;
    };
    for (let at = 0; at < lines.length; ) {
      const end = lines.indexOf(newline, at);
      const body = at + prefix.length - 1;
      if (!isInsert(lines, at, end, prefix)) throw malformed(table, 'a line is not an INSERT into it');
      if (end - at > longLine) {
        flush();
        const { sql, values } = bindLongLiterals(lines.subarray(body, end - 1));
        rows += insert(sql, values);
      } else {
        tuples.push(lines.toString('utf8', body, end - 1));
        size += end - at;
        if (size >= batchBytes) flush();
      }
      at = end + 1;
    }
    flush();
    return rows;
  };
};

/** `INSERT INTO "orders"("id","total") VALUES(` at the beginning of a line. */
const prefixOf = (lines: Buffer, table: string): Buffer => {
  const line = lines.toString('utf8', 0, Math.min(lines.indexOf(newline), longLine));
  const start = `INSERT INTO ${quoteName(table)}`;
  const columns = columnsOfInsert.exec(line.slice(start.length))?.[0];
  if (!line.startsWith(start) || columns === undefined)
    throw malformed(table, 'its first line is not an INSERT into it');
  return Buffer.from(start + columns);
};

const columnsOfInsert = /^\((?:"(?:[^"]|"")*"|rowid|_rowid_|oid)(?:,"(?:[^"]|"")*")*\) VALUES\(/;

const nameEnd = (table: string): number => Buffer.byteLength(`INSERT INTO ${quoteName(table)}`);

const isInsert = (lines: Buffer, at: number, end: number, prefix: Buffer): boolean =>
  end - at >= prefix.length + 2 &&
  lines.compare(prefix, 0, prefix.length, at, at + prefix.length) === 0 &&
  lines.toString('latin1', end - 2, end) === ');';

const malformed = (table: string, what: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `the snapshot’s rows of table ${table} are damaged: ${what}`, {
    hint: 'nothing was changed; check the repository, or restore from another snapshot',
  });
