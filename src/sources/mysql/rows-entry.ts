// Rows as entries, counted as they pass.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import type { Entry } from '../source.ts';
import type { Tally } from '../tally.ts';
import type { Connection } from './connect.ts';
import { withoutNextNumber } from './create-table.ts';
import type { Dump } from './dump.ts';
import { plainName, quoteName } from './identifiers.ts';
import { changed, itemError } from './item-error.ts';
import { rowsPath, tablePath } from './layout.ts';
import { selectSql } from './load-data.ts';
import { definitionOf, type Table } from './tables.ts';

export interface RowsOf {
  readonly dump: Dump;
  readonly database: string;
  readonly folder: string;
  readonly tally: Tally;
}

/** A folder and a file for each table whose rows are wanted. */
export function* rowsEntries(of: RowsOf, tables: readonly Table[]): Generator<Entry> {
  const wanted = tables.filter(({ withRows }) => withRows);
  const byPath = wanted.map((table) => ({ table, path: tablePath(table.name) }));
  byPath.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  for (const { table, path } of byPath) {
    const name = plainName(of.database, table.name);
    of.tally.expect(name, rowsPath(table.name));
    yield { path: `${of.folder}/${path}`, type: 'dir', meta: { mode: 0o700 } };
    yield {
      path: `${of.folder}/${rowsPath(table.name)}`,
      type: 'file',
      meta: { mode: 0o600, size: table.size },
      content: of.dump.lifetime.during(() => countedRows(of, table, name)),
      chunking: 'table',
      item: name,
    };
  }
}

async function* countedRows(
  { dump, database, tally }: RowsOf,
  table: Table,
  name: string,
): AsyncGenerator<Uint8Array> {
  const path = rowsPath(table.name);
  const counter = createRowCounter('lines');
  let outcome: unknown = new HoldfastError('CANCELLED', 'not read to its end');
  try {
    for await (const chunk of streamRows(dump, database, table)) {
      counter.update(chunk);
      yield chunk;
    }
    tally.done(name, counter.finish());
    outcome = undefined;
  } catch (error) {
    outcome = itemError(await judge(dump, error), `table ${name}`, dump.settings.user);
    throw outcome;
  } finally {
    if (outcome !== undefined) tally.failed(name, path, outcome);
  }
}

/** A table that is kept locked can only be read by the session that locked it: who waits to write goes before all others. */
const streamRows = (
  { state, transactional }: Dump,
  database: string,
  table: Table,
): AsyncGenerator<Uint8Array> =>
  state.locker && !transactional.has(table.engine)
    ? state.locker.stream((reader) => readRows(reader, database, table))
    : state.readers.stream((reader) => readAndLetGo(reader, database, table));

/**
 * The lock on the table's definition is held until the rows are read, and let go then: somebody who wants to alter it waits that
 * long, and not for the rest of the backup.
 */
async function* readAndLetGo(reader: Connection, database: string, table: Table): AsyncGenerator<Uint8Array> {
  await reader.run('savepoint holdfast');
  try {
    yield* readRows(reader, database, table);
  } finally {
    if (reader.usable) await reader.run('rollback to savepoint holdfast');
  }
}

async function* readRows(reader: Connection, database: string, table: Table): AsyncGenerator<Uint8Array> {
  const definition = await definitionOf(reader, database, table.name);
  if (withoutNextNumber(definition) !== withoutNextNumber(table.definition))
    throw changed(`table ${plainName(database, table.name)}`);
  yield* reader.rows(
    selectSql(quoteName(database, table.name), table.columns, table.hasPrimaryKey),
    () => {},
  );
}

/** A session that ended while others go on was ended by somebody: that is the table's loss, not the backup's. */
const judge = async ({ leader, context }: Dump, error: unknown): Promise<unknown> => {
  if (!hasCode(error, 'SOURCE_UNREACHABLE') || error.cause instanceof HoldfastError) return error;
  if (!(await isAnswering(leader, context.signal))) return error;
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
