// Rows of a backup into a table, counted and summed as they pass.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { createRowCounter, type RowCount } from '#lib/row-checksum.ts';
import { damagedSnapshot, foreignSnapshot, rowsWithoutTable } from '../damaged-snapshot.ts';
import type { Manifest } from '../manifest.ts';
import type { Content } from '../source.ts';
import { type BulkPlan, beginBulk, bulkPlan, endBulk, loadInBulk } from './bulk-rows.ts';
import type { Connection } from './connect.ts';
import { plainName, type QualifiedName, quoteName } from './identifiers.ts';
import type { Contents, Table } from './model.ts';
import { errorNumber, serverMessage } from './server-error.ts';
import { insertPrefix, linePrefix } from './table-sql.ts';

export interface RowLoad {
  readonly connection: Connection;
  /** As the lines have it. */
  readonly table: Table;
  /** As it is called in the target. */
  readonly into: Table;
  readonly bulk: boolean;
  readonly signal: AbortSignal;
  /** All of it is in one transaction already. */
  readonly inTransaction: boolean;
}

/** TARGET_FAILED when the server refuses a row; the content's own error when that breaks off. */
export const loadRows = async (load: RowLoad, content: () => Content): Promise<RowCount> => {
  const { connection, into, table } = load;
  const counter = createRowCounter('lines');
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of content()) {
      counter.update(chunk);
      yield chunk;
    }
  };
  const plan = load.bulk ? bulkPlan(table, into) : undefined;
  const identity = into.columns.some((column) => column.identity);
  try {
    if (plan) await beginBulk(connection, plan);
    if (identity) await connection.run(`SET IDENTITY_INSERT ${quoteName(into)} ON`);
    for await (const lines of lineBatches(counted())) {
      throwIfCancelled(load.signal);
      await loadLines(load, plan, lines);
    }
    if (identity) await connection.run(`SET IDENTITY_INSERT ${quoteName(into)} OFF`);
    if (plan) await endBulk(connection);
  } catch (error) {
    if (errorNumber(error) === undefined) throw error;
    throw new HoldfastError(
      'TARGET_FAILED',
      `rows of ${plainName(into)} could not be restored: ${serverMessage(error)}`,
      {
        hint: 'the server’s message says why; the backup itself is whole',
        cause: error,
      },
    );
  }
  return counter.finish();
};

/** A transaction for each: a row would otherwise wait for the disk by itself. */
const loadLines = async (
  load: RowLoad,
  plan: BulkPlan | undefined,
  lines: readonly string[],
): Promise<void> => {
  const { connection, table, into, inTransaction } = load;
  if (!inTransaction) await connection.run('BEGIN TRANSACTION');
  if (plan) await loadInBulk(connection, table, plan, lines);
  else {
    const from = linePrefix(table);
    const to = insertPrefix(into);
    const statements = from === to ? lines : lines.map((line) => renamed(line, from, to));
    for (const batch of batchesOf(statements)) await connection.run(batch);
  }
  if (!inTransaction) await connection.run('COMMIT TRANSACTION');
};

const renamed = (line: string, from: string, to: string): string => {
  if (line.startsWith(from)) return to + line.slice(from.length);
  throw foreignSnapshot(`a row is not as a backup has it: ${line.slice(0, 60)}…`);
};

/** A batch is compiled as a whole, so it must not grow. */
function* batchesOf(lines: readonly string[]): Generator<string> {
  let batch: string[] = [];
  let length = 0;
  for (const line of lines) {
    batch.push(line);
    length += line.length;
    if (batch.length < 200 && length < 1024 * 1024) continue;
    yield batch.join('\n');
    batch = [];
    length = 0;
  }
  if (batch.length > 0) yield batch.join('\n');
}

const linesAtOnce = 2000;
const charactersAtOnce = 4 * 1024 * 1024;

/** Whole lines, without their ends, so many at once. */
async function* lineBatches(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  let lines: string[] = [];
  let length = 0;
  for await (const line of linesOf(chunks)) {
    lines.push(line);
    length += line.length;
    if (lines.length < linesAtOnce && length < charactersAtOnce) continue;
    yield lines;
    lines = [];
    length = 0;
  }
  if (lines.length > 0) yield lines;
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let carried: Buffer[] = [];
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(10);
    if (end < 0) {
      carried.push(Buffer.from(chunk));
      continue;
    }
    const whole = Buffer.concat([...carried, chunk.subarray(0, end)]).toString('utf8');
    carried = [Buffer.from(chunk.subarray(end + 1))];
    yield* whole.split('\n');
  }
  const rest = Buffer.concat(carried).toString('utf8');
  if (rest !== '') yield rest;
}

/** What came of each table, by its plain name. */
export type Loaded = Map<string, RowCount>;

export const tableOf = (contents: Contents, wanted: QualifiedName): Table => {
  const known = byName.get(contents) ?? new Map(contents.tables.map((table) => [plainName(table), table]));
  byName.set(contents, known);
  const table = known.get(plainName(wanted));
  if (table) return table;
  throw rowsWithoutTable(plainName(wanted));
};

const byName = new WeakMap<Contents, ReadonlyMap<string, Table>>();

/** Compares what was loaded with what was captured, and says what was not. TARGET_FAILED for what nothing but damage explains. */
export const assertComplete = (
  loaded: Loaded,
  contents: Contents,
  manifest: Manifest,
  { isWanted, warn }: { isWanted(table: QualifiedName): boolean; warn(text: string): void },
): void => {
  for (const { name, reason } of manifest.missing) warn(`${name} is not in the snapshot: ${reason}`);
  const captured = new Map(manifest.tables.map((table) => [table.name, table]));
  const missing = new Set(manifest.missing.map(({ name }) => name));
  for (const table of contents.tables.filter((each) => each.rows && isWanted(each))) {
    const name = plainName(table);
    const expected = captured.get(name);
    const found = loaded.get(name);
    if (!expected && missing.has(name)) continue;
    if (
      expected &&
      found &&
      expected.checksum === found.checksum &&
      expected.rows === found.rows &&
      expected.bytes === found.bytes
    )
      continue;
    throw damagedSnapshot(
      found
        ? `the rows of ${name} are not those that were captured`
        : `the snapshot lacks the rows of ${name}`,
    );
  }
};

/** The server's own count of what lies in the table now. */
export const assertRowCount = async (
  connection: Connection,
  table: QualifiedName,
  rows: number,
): Promise<void> => {
  const [row] = await connection.query<{ found: string | number }>(
    `SELECT COUNT_BIG(*) AS found FROM ${quoteName(table)}`,
  );
  if (Number(row?.found ?? -1) === rows) return;
  throw new HoldfastError(
    'TARGET_FAILED',
    `${plainName(table)} should have ${rows} rows now, and has ${row?.found}`,
    {
      hint: 'did somebody else write into it? Otherwise set bulkLoad to never and report it',
    },
  );
};
