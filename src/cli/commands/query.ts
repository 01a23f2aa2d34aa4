// holdfast query: a question in SQL to a snapshot.
import { rowText } from '#jobs/export/format.ts';
import { askable } from '#jobs/query/askable.ts';
import { doubtsOf } from '#jobs/query/doubts.ts';
import { openQuery, type Query } from '#jobs/query/query.ts';
import { valueText } from '#jobs/query/value-text.ts';
import { chooseSnapshot, isOfPartialBackup } from '#jobs/snapshot-choice.ts';
import { letOthersWork } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural, printable, shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SqlValue } from '#sources/table-reader.ts';
import { type Call, defineCommand, flag, list, type OptionSpecs } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { showFailedItem } from '../job-report.ts';
import type { Output } from '../output.ts';
import { type Column, tableLine } from '../output-format.ts';
import { placeOf } from '../row-values.ts';
import { latestRule, readOptions, snapshotArgument, withSnapshot } from '../snapshot-options.ts';

const options = {
  ...readOptions,
  with: list('--with <name=snapshot>', 'another snapshot, whose tables have this name in front'),
  csv: flag('--csv', 'print CSV, with the names of the columns first'),
};

type QueryCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Answers a SELECT from the rows of a snapshot of a database, of any kind, or from the list of files of another
(the table "files"); no server is needed. The SQL is that of SQLite. The tables that it names are read, and of them the
columns that it needs. A table is called as in its database, with its schema in front or without; where there are several
databases, shop.orders is the one of shop. Of documents (CouchDB, MongoDB) any field is a column, and the column
"document" has the whole as JSON. Tables of other snapshots, of this source or of another, are called by a name that you give
them: --with before=latest:shop~1, and then before.orders. A name with other than letters, digits and _ stands in double
quotes: "my-shop".orders. ${latestRule}`,
  args: [snapshotArgument, { usage: '[sql]', text: 'one SELECT; without it, the tables are listed' }],
  options,
  examples: [
    ['query latest:shop "SELECT status, count(*) FROM orders GROUP BY status"', 'a count of each'],
    [
      'query latest:shop~1 "SELECT * FROM orders WHERE id = 17" --json',
      'a row as it was before, with all of its values',
    ],
    [
      'query latest:shop "SELECT email FROM customers JOIN orders USING (customer_id)" --csv > mails.csv',
      'a file',
    ],
    [
      'query latest:couch "SELECT document->>\'$.address.city\' AS city, count(*) FROM people GROUP BY city"',
      'documents',
    ],
    [
      'query latest:shop --with before=latest:shop~1 "SELECT * FROM before.orders WHERE id NOT IN (SELECT id FROM orders)"',
      'rows that are gone',
    ],
    [
      `query latest:shop --with media=latest:media "SELECT photo FROM products WHERE '/media/' || photo NOT IN (SELECT path FROM media.files)"`,
      'what the database names, and the backup of the files does not have',
    ],
  ],
  statuses: [3, 10, 11, 12, 14],
  run: async (call) => {
    const [, sql] = call.args;
    return sql === undefined ? await showTables(call) : await ask(call, sql);
  },
});

const showTables = async (call: QueryCall): Promise<number> => {
  const { output, options } = call;
  const [idle] = [...(options.csv ? ['--csv'] : []), ...(options.with.length > 0 ? ['--with'] : [])];
  if (idle) throw new HoldfastError('USAGE', `${idle} is for a query, and none is asked`);
  let count = 0;
  const lost = await withSnapshot(call, async (repository, snapshot) => {
    warnOfChanges(output, snapshot);
    const { tables, missing } = await askable(repository, snapshot, jobContext(call));
    for await (const { database, name, rows, columns } of tables()) {
      count += 1;
      const names = columns.map((column) => printable(`${column.name} ${column.type}`.trimEnd())).join(', ');
      const counted = rows === undefined ? '' : `${plural(rows, 'row')}  `;
      await output.result(
        { message_type: 'table', database, table: name, rows, columns },
        `${placeOf({ database, table: name })}  ${counted}(${names})`,
      );
    }
    return missing;
  });
  for (const { database, name, reason } of lost) {
    const error = new HoldfastError('ITEM_UNREADABLE', `not captured: ${reason}`);
    showFailedItem(output, placeOf({ database, table: name }), error);
  }
  output.say({ message_type: 'summary', tables: count, items_failed: lost.length }, plural(count, 'table'));
  return lost.length > 0 ? 3 : 0;
};

const ask = async (call: QueryCall, sql: string): Promise<number> => {
  const { output } = call;
  if (output.json && call.options.csv)
    throw new HoldfastError('USAGE', '--json and --csv exclude each other');
  using query = await withSnapshot(call, async (repository, snapshot) => {
    const others = await othersOf(call, repository);
    for (const each of [snapshot, ...others.values()]) warnOfChanges(output, each);
    return await openQuery({ repository, snapshot, others, sql }, jobContext(call));
  });
  for (const { text, hint } of doubtsOf(query)) output.warn(text, hint);
  // SQLite cannot be interrupted, and nothing is held any more that would have to be let go. Whoever asked before is heard first.
  await letOthersWork(call.signal);
  call.endOnSignals?.();
  await show(call, query);
  await output.flush();
  return 0;
};

/** The snapshots of --with. Of the filters, --host and --run say something of them, too. */
const othersOf = async (
  { options }: QueryCall,
  repository: Repository,
): Promise<ReadonlyMap<string, Snapshot>> => {
  const others = new Map<string, Snapshot>();
  if (options.with.length === 0) return others;
  const snapshots = await repository.snapshots();
  for (const text of options.with) {
    const [, name, word] = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)=(.+)$/s.exec(text) ?? [];
    if (name === undefined || word === undefined)
      throw new HoldfastError('USAGE', `"${text}" is not name=snapshot`, {
        hint: 'as in --with before=latest:shop~1; a name has letters of English, digits, _, - and .',
      });
    if (['main', 'temp', ...[...others.keys()].map((one) => one.toLowerCase())].includes(name.toLowerCase()))
      throw new HoldfastError('USAGE', `--with ${text}: the name "${name}" is taken`);
    others.set(name, chooseSnapshot(snapshots, word, { host: options.host, run: options.run }));
  }
  return others;
};

const warnOfChanges = (output: Output, snapshot: Snapshot): void => {
  if (isOfPartialBackup(snapshot))
    output.warn(
      `snapshot ${shortId(snapshot.id)} is of a partial backup: it has the rows that had changed, and those they refer to`,
    );
};

const show = async ({ output, options: { csv } }: QueryCall, { columns, rows }: Query): Promise<void> => {
  if (output.json) return await showJson(output, columns, rows());
  if (csv) return await showCsv(output, columns, rows());
  await showTable(output, columns, rows());
};

type Rows = Iterable<readonly SqlValue[]>;

const showJson = async (output: Output, columns: readonly string[], rows: Rows): Promise<void> => {
  const twice = columns.find((name, at) => columns.indexOf(name) !== at);
  if (twice !== undefined)
    throw new HoldfastError('USAGE', `two columns of the answer are called "${printable(twice)}"`, {
      hint: 'give one of them another name with AS',
    });
  let count = 0;
  for (const row of rows) {
    count += 1;
    const values = Object.fromEntries(columns.map((name, at) => [name, jsonValue(row[at] ?? null)]));
    await output.result({ message_type: 'row', values }, undefined);
  }
  output.say({ message_type: 'summary', rows: count }, undefined);
};

/** Writes a number with all its digits. TypeScript does not know it yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** JSON has no number for infinity. */
const jsonValue = (value: SqlValue): unknown => {
  if (typeof value === 'bigint') return rawJSON(`${value}`);
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return valueText(value);
};

const showCsv = async (output: Output, columns: readonly string[], rows: Rows): Promise<void> => {
  const text = rowText(
    { kind: 'csv', csv: { delimiter: ',', header: true, lineEnd: 'lf', nullText: '', quoteAll: false } },
    columns.map((name) => ({ name, json: 'text' })),
  );
  await output.bytes(Buffer.from(text.head));
  for (const row of rows) await output.bytes(Buffer.from(text.line(row.map(valueText))));
};

/** So many rows say how wide the columns are. */
const measuredRows = 1000;
const widestColumn = 60;

const showTable = async (output: Output, names: readonly string[], rows: Rows): Promise<void> => {
  const cellsOf = (row: readonly SqlValue[]): string[] => row.map((value) => valueText(value) ?? 'NULL');
  const iterator = rows[Symbol.iterator]();
  const first: (readonly SqlValue[])[] = [];
  let next = iterator.next();
  for (; !next.done && first.length < measuredRows; next = iterator.next()) first.push(next.value);
  const columns = names.map(
    (title, at): Column => (first.every((row) => isNumber(row[at])) ? { title, align: 'right' } : { title }),
  );
  const line = tableLine(columns, first.map(cellsOf), widestColumn);
  await output.heading(line(names));
  for (const row of first) await output.result(undefined, line(cellsOf(row)));
  let count = first.length;
  for (; !next.done; next = iterator.next()) {
    await output.result(undefined, line(cellsOf(next.value)));
    count += 1;
  }
  output.say({ message_type: 'summary', rows: count }, `(${plural(count, 'row')})`);
};

const isNumber = (value: SqlValue | undefined): boolean =>
  value === null || typeof value === 'bigint' || typeof value === 'number';
