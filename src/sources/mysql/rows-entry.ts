// Rows as entries, counted as they pass.
import { byBytes } from '#lib/byte-order.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import { rowChunking } from '../increments.ts';
import { folderEntry } from '../own-entries.ts';
import { Silence } from '../silence.ts';
import type { Entry } from '../source.ts';
import type { Tally } from '../tally.ts';
import type { Connection } from './connect.ts';
import { withoutNextNumber } from './create-table.ts';
import type { Dump } from './dump.ts';
import { plainName, quoteName } from './identifiers.ts';
import { changed, itemError } from './item-error.ts';
import { historyPath, rowsPath, tablePath } from './layout.ts';
import { countFleetingSql, selectHistorySql, selectSql } from './load-data.ts';
import { definitionOf, type Table } from './tables.ts';

export interface RowsOf {
  readonly dump: Dump;
  readonly database: string;
  readonly folder: string;
  readonly tally: Tally;
}

/** A folder for each table whose rows are wanted, and its files. */
export function* rowsEntries(of: RowsOf, tables: readonly Table[]): Generator<Entry> {
  const wanted = tables.filter(({ withRows }) => withRows);
  const byPath = wanted.map((table) => ({ table, path: tablePath(table.name) }));
  byPath.sort((a, b) => byBytes(a.path, b.path));
  for (const { table, path } of byPath) {
    const name = plainName(of.database, table.name);
    const parts = partsOf(of.database, table);
    for (const part of parts) of.tally.expect(name, part.path);
    yield folderEntry(`${of.folder}/${path}`);
    for (const part of parts)
      yield {
        path: `${of.folder}/${part.path}`,
        type: 'file',
        meta: { mode: 0o600, size: table.size },
        content: of.dump.lifetime.during(() => countedRows(of, table, name, part)),
        chunking: rowChunking(of.dump.config),
        item: name,
      };
  }
}

/** A file of a table, and what is asked for it. */
interface Part {
  readonly path: string;
  readonly sql: string;
  /** Counts rows that cannot be kept. */
  readonly countSql?: string;
}

const partsOf = (database: string, table: Table): Part[] => {
  const from = quoteName(database, table.name);
  const { history } = table;
  const current = { path: rowsPath(table.name), sql: selectSql(from, table) };
  if (history === undefined) return [current];
  const sql = selectHistorySql(from, table, history);
  return [current, { path: historyPath(table.name), sql, countSql: countFleetingSql(from, history) }];
};

async function* countedRows(
  { dump, database, tally }: RowsOf,
  table: Table,
  name: string,
  part: Part,
): AsyncGenerator<Uint8Array> {
  const counter = createRowCounter('lines');
  let outcome: unknown = new HoldfastError('CANCELLED', 'not read to its end');
  try {
    for await (const chunk of streamRows(dump, database, table, part)) {
      counter.update(chunk);
      yield chunk;
    }
    tally.done(name, counter.finish());
    outcome = undefined;
  } catch (error) {
    outcome = itemError(await judge(dump, error), `table ${name}`, dump.settings.user);
    throw outcome;
  } finally {
    if (outcome !== undefined) tally.failed(name, part.path, outcome);
  }
}

/** A table that is kept locked can only be read by the session that locked it: who waits to write goes before all others. */
const streamRows = (dump: Dump, database: string, table: Table, part: Part): AsyncGenerator<Uint8Array> => {
  const { state, transactional } = dump;
  const read = (reader: Connection): AsyncGenerator<Uint8Array> =>
    readRows(reader, dump, database, table, part);
  return state.locker && !transactional.has(table.engine)
    ? state.locker.stream(read)
    : state.readers.stream((reader) => readAndLetGo(reader, read));
};

/**
 * The lock on the table's definition is held until the rows are read, and let go then: somebody who wants to alter it waits that
 * long, and not for the rest of the backup.
 */
async function* readAndLetGo(
  reader: Connection,
  read: (reader: Connection) => AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  await reader.run('savepoint holdfast');
  try {
    yield* read(reader);
  } finally {
    if (reader.usable) await reader.run('rollback to savepoint holdfast');
  }
}

async function* readRows(
  reader: Connection,
  { context, config, settings }: Dump,
  database: string,
  table: Table,
  { sql, countSql }: Part,
): AsyncGenerator<Uint8Array> {
  const definition = await definitionOf(reader, database, table.name);
  if (withoutNextNumber(definition) !== withoutNextNumber(table.definition))
    throw changed(`table ${plainName(database, table.name)}`);
  const item = `table ${plainName(database, table.name)}`;
  const patience = { seconds: config.timeoutSeconds, item, server: `the server at ${settings.server}` };
  // Where there is history, what is asked for may be little among much else.
  yield* reader.rows(sql, () => {}, table.history ? undefined : patience);
  if (countSql === undefined) return;
  const [fleeting] = await reader.query<{ count: string }>(countSql);
  const count = Number(fleeting?.count ?? 0);
  if (count > 0)
    context.log.warn(
      `of the history of ${plainName(database, table.name)}, ${plural(count, 'row')} that lasted no time ${count === 1 ? 'is' : 'are'} not kept: no server takes such rows back`,
    );
}

/** A session that ended while others go on was ended by somebody: that is the table's loss, not the backup's. */
const judge = async ({ leader, context }: Dump, error: unknown): Promise<unknown> => {
  if (!hasCode(error, 'SOURCE_UNREACHABLE') || error.cause instanceof HoldfastError) return error;
  if (!(await isAnswering(leader, context.signal))) return error;
  if (error instanceof Silence)
    return new HoldfastError('ITEM_UNREADABLE', error.message, { hint: error.hint, cause: error });
  return new HoldfastError('ITEM_UNREADABLE', `the session that read it was ended: ${error.message}`, {
    hint: 'the server’s log says why; run the backup again',
    cause: error,
  });
};

/** A server that is there answers sooner. */
const answerLimitMs = 15_000;

const isAnswering = async (leader: Connection, signal: AbortSignal): Promise<boolean> => {
  const late = AbortSignal.any([signal, AbortSignal.timeout(answerLimitMs)]);
  const silence = new Promise<boolean>((resolve) =>
    late.addEventListener('abort', () => resolve(false), { once: true }),
  );
  const answer = leader.query('select 1').then(
    () => true,
    () => false,
  );
  return await Promise.race([answer, silence]);
};
