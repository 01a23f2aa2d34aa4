// holdfast find --table --row: what a row was in each snapshot.
import { knownManifestsOf } from '#jobs/manifests.ts';
import { findRows, type RowsRead, type RowWanted } from '#jobs/rows/find-rows.ts';
import { tableRowsOf } from '#jobs/rows/table-rows.ts';
import { tagOf } from '#jobs/snapshot-choice.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Repository } from '#repository/contract.ts';
import { tableReaderOf } from '#sources/registry.ts';
import { chosen, type FindCall, headingOf, inEach, unread } from './find-snapshots.ts';
import { jobContext } from './job-context.ts';
import { columnValues, listedValues, placeOf } from './row-values.ts';

/** Returns the exit status. */
export const findRow = async (call: FindCall, repository: Repository): Promise<number> => {
  const { output, signal } = call;
  const wanted = wantedIn(call);
  const context = jobContext(call);
  const read: RowsRead = new Map();
  const columns = new Set<string>();
  let [rows, holding, tables] = [0, 0, 0];
  const searched = chosen(await repository.snapshots(), call).filter(
    (snapshot) => tableReaderOf(tagOf(snapshot, 'kind')) !== undefined,
  );
  const failed = await inEach(searched, output, async (snapshot, onDamaged) => {
    const before = rows;
    const tableRows = await tableRowsOf(repository, snapshot, context);
    if (!tableRows) return;
    const databases = await knownManifestsOf(repository, snapshot, signal);
    const found = findRows(snapshot, wanted, {
      rows: tableRows,
      databases,
      read,
      columns,
      onTable: (database, table, missing) => {
        tables += 1;
        if (missing !== undefined)
          onDamaged(
            `${database}: ${table}`,
            new HoldfastError('ITEM_UNREADABLE', `not captured: ${missing}`),
          );
      },
    });
    for await (const { database, table, values } of found) {
      if (rows === before && !output.json) await output.heading(headingOf(snapshot));
      rows += 1;
      await output.result(
        {
          message_type: 'row',
          snapshot_id: snapshot.id,
          database,
          table,
          values: Object.fromEntries(values),
        },
        `${placeOf({ database, table })}  ${listedValues(values)}`,
      );
    }
    if (rows > before) holding += 1;
  });
  if (tables === 0 && failed === 0) throw noTable(wanted, searched.length);
  for (const column of columns.size > 0 && rows === 0 ? wanted.values.keys() : [])
    if (!columns.has(column))
      output.warn(`no row of ${wanted.table} has a column "${column}"${didYouMean(column, [...columns])}`);
  output.say(
    { message_type: 'summary', entries: rows, snapshots: holding, items_failed: failed },
    (rows === 0
      ? `nothing found in ${plural(searched.length, 'snapshot')} of databases`
      : `${plural(rows, 'row')} in ${plural(holding, 'snapshot')}`) + unread(failed),
  );
  return failed > 0 ? 3 : 0;
};

const wantedIn = ({ options: { table, row } }: FindCall): RowWanted => {
  if (table === undefined || row.length === 0)
    throw new HoldfastError('USAGE', 'rows are found with --table and --row together', {
      hint: 'for example: holdfast find --table orders --row id=17',
    });
  return { table, values: columnValues(row) };
};

const noTable = ({ table }: RowWanted, snapshots: number): HoldfastError =>
  new HoldfastError(
    'PATH_UNKNOWN',
    `none of ${plural(snapshots, 'snapshot')} of databases holds a table "${table}"`,
    { hint: '`holdfast ls <snapshot>` shows the tables of one' },
  );
