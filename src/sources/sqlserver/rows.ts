// The rows of a table as INSERT statements, each in a line of its own.
import { HoldfastError } from '#lib/errors.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import type { Patience } from '../silence.ts';
import type { Tally } from '../tally.ts';
import { columnsOfSql } from './catalogue.ts';
import { plainName, quoteIdentifier, quoteName } from './identifiers.ts';
import { itemError } from './item-error.ts';
import { rowsPath } from './layout.ts';
import type { Table } from './model.ts';
import type { Reading } from './reading.ts';
import { linePrefix, storedColumns } from './table-sql.ts';
import { codecOf, type ValueCodec, type WireValue } from './value-codec.ts';

export interface RowSource {
  readonly table: Table;
  /** What the server knows it by. */
  readonly id: number;
  readonly reading: Reading;
  readonly tally: Tally;
  readonly user: string;
  readonly patience?: Patience;
}

/** Counted as they pass. A table whose columns changed meanwhile is an error, not half a table. */
export async function* countedRows({
  table,
  id,
  reading,
  tally,
  user,
  patience,
}: RowSource): AsyncGenerator<Uint8Array> {
  const name = plainName(table);
  const counter = createRowCounter('lines');
  let outcome: unknown = new HoldfastError('CANCELLED', 'not read to its end');
  try {
    const columns = storedColumns(table).map(codecOf);
    for await (const chunk of lines(
      reading.rows(selectSql(table, columns, reading), patience),
      linePrefix(table),
      columns,
    )) {
      counter.update(chunk);
      yield chunk;
    }
    await assertUnchanged(reading, table, id);
    tally.done(name, counter.finish());
    outcome = undefined;
  } catch (error) {
    outcome = itemError(error, name, user);
    throw outcome;
  } finally {
    if (outcome !== undefined) tally.failed(name, rowsPath(table), outcome);
  }
}

/** In the order in which they lie: that of the clustered index, or as they come. */
export const selectSql = (
  table: Table,
  columns: readonly ValueCodec[],
  { isolation }: Pick<Reading, 'isolation'>,
): string => {
  const selected = columns.flatMap(({ select }) => select);
  const list = selected.length === 0 ? '1 AS one' : selected.map((sql, at) => `${sql} AS c${at}`).join(',');
  const lock = isolation === 'table lock' ? tableLock : '';
  const clustered = table.indexes.find((index) => index.clustered && index.kind !== 'columnstore');
  // A column may have the name of one that is selected here.
  const order = clustered?.columns.map(
    (column) => `t.${quoteIdentifier(column.name)}${column.descending ? ' DESC' : ''}`,
  );
  return `SELECT ${list} FROM ${quoteName(table)} AS t${lock}${order && order.length > 0 ? ` ORDER BY ${order.join(',')}` : ''}`;
};

/** Writers wait until the statement has ended. */
export const tableLock = ' WITH (TABLOCK, HOLDLOCK)';

/** In pieces of about 256 Ki characters: a piece a row would cost more than the row. */
async function* lines(
  batches: AsyncIterable<readonly (readonly WireValue[])[]>,
  prefix: string,
  columns: readonly ValueCodec[],
): AsyncGenerator<Uint8Array> {
  const end = columns.length === 0 ? ';\n' : ');\n';
  let chunk = '';
  for await (const rows of batches)
    for (const row of rows) {
      const values = row.values();
      const literals = columns.map(({ select, literal }) =>
        literal(select.map(() => values.next().value ?? null)),
      );
      chunk += prefix + literals.join(',') + end;
      if (chunk.length < chunkCharacters) continue;
      yield Buffer.from(chunk, 'utf8');
      chunk = '';
    }
  if (chunk !== '') yield Buffer.from(chunk, 'utf8');
}

const chunkCharacters = 256 * 1024;

interface ColumnFacts {
  readonly id: number;
  readonly name: string;
  readonly width: number;
  readonly precision: number;
  readonly scale: number;
  readonly computed: number;
}

/** A column that was added or made wider in the meantime would not be in the rows. */
const assertUnchanged = async (reading: Reading, table: Table, id: number): Promise<void> => {
  const now = await reading.query<ColumnFacts>(columnsOfSql(id));
  const found = now.map(({ name, computed, ...column }) => shape(name, column, Number(computed) === 1));
  const expected = table.columns.map(({ name, type: { maxLength, ...type }, computed }) =>
    shape(name, { ...type, width: maxLength }, computed !== undefined),
  );
  if (found.join('\n') === expected.join('\n')) return;
  throw new HoldfastError('ITEM_CHANGED', `table ${plainName(table)} got other columns while it was read`, {
    hint: 'run the backup again',
  });
};

const shape = (
  name: string,
  { width, precision, scale }: Pick<ColumnFacts, 'width' | 'precision' | 'scale'>,
  computed: boolean,
): string => JSON.stringify([name, Number(width), Number(precision), Number(scale), computed]);
