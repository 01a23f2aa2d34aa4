// Which snapshots are searched, and what is said of them.
import { chooseSnapshot, isOfPartialBackup, matchingSome, originOf } from '#jobs/snapshot-choice.ts';
import { type HoldfastError, hasCode } from '#lib/errors.ts';
import { formatTime, plural, printable, shortId } from '#lib/format.ts';
import type { ReadOptions, Snapshot } from '#repository/contract.ts';
import { type Call, flag, list, type OptionSpecs, value } from './command.ts';
import { showFailedItem } from './job-report.ts';
import type { Output } from './output.ts';
import { filterOf, readOptions } from './snapshot-options.ts';

/** What `find` takes. */
export const findOptions = {
  ...readOptions,
  snapshot: list('--snapshot <snapshot>', 'only in this snapshot'),
  document: value('--document <id>', 'the snapshots that hold this document, and its revisions in each'),
  table: value('--table <name>', 'rows of this table or collection, with --row'),
  row: list('--row <column=value>', 'a value that the rows have in a column; with several, all of them'),
  ignoreCase: flag('-i, --ignore-case', 'upper and lower case are equal'),
};

export type FindCall = Call<OptionSpecs & typeof findOptions>;

type OnDamaged = NonNullable<ReadOptions['onDamaged']>;

/** One snapshot after the other. What damage keeps from being searched is told, and counted, and keeps nothing else from it. */
export const inEach = async (
  snapshots: readonly Snapshot[],
  output: Output,
  search: (snapshot: Snapshot, onDamaged: OnDamaged) => Promise<void>,
): Promise<number> => {
  let failed = 0;
  for (const snapshot of snapshots) {
    const onDamaged = (path: string, error: HoldfastError): void => {
      failed += 1;
      const what = path === '' ? '' : `/${path} of `;
      showFailedItem(output, `${what}${nameOf(snapshot)}`, error);
    };
    try {
      await search(snapshot, onDamaged);
    } catch (error) {
      if (!hasCode(error, 'REPOSITORY_DAMAGED', 'ITEM_UNREADABLE')) throw error;
      onDamaged('', error);
    }
  }
  return failed;
};

export const unread = (failed: number): string =>
  failed > 0 ? `; ${plural(failed, 'item')} could not be searched, named above` : '';

export const nameOf = (snapshot: Snapshot): string =>
  `snapshot ${shortId(snapshot.id)} of ${printable(originOf(snapshot))}`;

export const headingOf = (snapshot: Snapshot): string =>
  `${nameOf(snapshot)}, ${formatTime(snapshot.time)}${isOfPartialBackup(snapshot) ? ', of a partial backup' : ''}`;

export const chosen = (all: readonly Snapshot[], { options }: FindCall): Snapshot[] => {
  const filter = filterOf(options);
  if (options.snapshot.length > 0)
    return [...new Set(options.snapshot.map((word) => chooseSnapshot(all, word, filter)))];
  return matchingSome(all, filter).toReversed();
};
