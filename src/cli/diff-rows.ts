// holdfast diff --rows: which rows changed between two snapshots.

import { diffRows, type RowDifference, type TableDifference } from '#jobs/rows/diff-rows.ts';
import type { RowChange } from '#jobs/rows/pair-rows.ts';
import { formatCount, plural, printable, shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { RowValues } from '#sources/table-reader.ts';
import { jobContext } from './job-context.ts';
import { showFailedItem } from './job-report.ts';
import type { Output } from './output.ts';
import { listedValues, placeOf, shownValue } from './row-values.ts';

type Showing = Parameters<typeof jobContext>[0] & { readonly tables: readonly string[] };

/** Returns the exit status. */
export const showRows = async (
  repository: Repository,
  snapshots: readonly [before: Snapshot, after: Snapshot],
  showing: Showing,
): Promise<number> => {
  const { output, signal, tables } = showing;
  const { onEvent } = jobContext(showing);
  const counts = { tables: 0, differing: 0, failed: 0, added: 0, removed: 0, changed: 0 };
  for await (const difference of diffRows(repository, snapshots, { tables, signal, onEvent })) {
    if (difference.type === 'row') {
      await output.result(rowFields(difference), rowLine(difference));
      continue;
    }
    counts.tables += 1;
    if (difference.type === 'uncompared') {
      counts.failed += 1;
      showFailedItem(output, placeOf(difference), difference.error);
    } else if (differs(difference)) {
      counts.differing += 1;
      counts.added += difference.added;
      counts.removed += difference.removed;
      counts.changed += difference.changed;
      await output.result(tableFields(difference), tableLine(difference));
    }
  }
  sayCounts(output, snapshots, counts);
  return counts.failed > 0 ? 3 : 0;
};

type RowFound = Extract<RowDifference, { type: 'row' }>;

const differs = ({ rows: [before, after], added, removed, changed }: TableDifference): boolean =>
  before === undefined || after === undefined || added + removed + changed > 0;

const signs: Readonly<Record<RowChange['change'], string>> = { added: '+', removed: '-', changed: 'M' };

const rowLine = ({ row, ...found }: RowFound): string => {
  const { change, key, before, after } = row;
  const rest = new Map([...(after ?? before ?? [])].filter(([name]) => !key.has(name)));
  const what = before && after ? changesIn(before, after) : listedValues(rest);
  return [`${signs[change]}  ${placeOf(found)}`, listedValues(key), what]
    .filter((part) => part !== '')
    .join('  ');
};

const changesIn = (before: RowValues, after: RowValues): string => {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const changes = names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${printable(name)}: ${shownValue(before.get(name))}, now ${shownValue(after.get(name))}`);
  return changes.length > 0 ? changes.join('; ') : 'the same values, written in another way';
};

const rowFields = ({ database, table, row: { change, key, before, after } }: RowFound) => ({
  message_type: 'row',
  database,
  table,
  change,
  modifier: signs[change],
  key: Object.fromEntries(key),
  before: before && Object.fromEntries(before),
  after: after && Object.fromEntries(after),
});

const tableLine = (difference: TableDifference): string => {
  const { rows, added, removed, changed, listed: areListed } = difference;
  const [before, after] = rows;
  const place = placeOf(difference);
  if (before === undefined) return `+  ${place}  (a table of ${plural(after ?? 0, 'row')})`;
  if (after === undefined) return `-  ${place}  (a table of ${plural(before, 'row')})`;
  const total = `${plural(before, 'row')}, now ${formatCount(after)}`;
  return areListed
    ? `   ${place}  ${formatCount(added)} added, ${formatCount(removed)} removed, ${formatCount(changed)} changed (${total})`
    : `   ${place}  ${formatCount(removed)} only before, ${formatCount(added)} only now (${total}): too many to be named`;
};

const tableFields = ({
  database,
  table,
  rows,
  added,
  removed,
  changed,
  listed: areListed,
}: TableDifference) => ({
  message_type: 'table',
  database,
  table,
  rows_before: rows[0],
  rows_after: rows[1],
  added,
  removed,
  changed,
  listed: areListed,
});

interface Counts {
  readonly tables: number;
  readonly differing: number;
  readonly failed: number;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
}

const sayCounts = (
  output: Output,
  [before, after]: readonly [Snapshot, Snapshot],
  { tables, differing, failed, added, removed, changed }: Counts,
): void =>
  output.say(
    {
      message_type: 'summary',
      before: before.id,
      after: after.id,
      tables,
      tables_differing: differing,
      items_failed: failed,
      added,
      removed,
      changed,
    },
    `${shortId(before.id)} to ${shortId(after.id)}: ${plural(added, 'row')} added, ${formatCount(removed)} removed, ` +
      `${formatCount(changed)} changed, in ${formatCount(differing)} of ${plural(tables, 'table')}` +
      (failed > 0 ? `; ${plural(failed, 'table')} could not be compared, named above` : ''),
  );
