// holdfast diff: what changed between two snapshots.
import { chooseSnapshot } from '#jobs/snapshot-choice.ts';
import { HoldfastError } from '#lib/errors.ts';
import { formatBytes, formatCount, printable, shortId } from '#lib/format.ts';
import type { Difference, Snapshot } from '#repository/contract.ts';
import { defineCommand, flag, list } from '../command.ts';
import { showRows } from '../diff-rows.ts';
import {
  filterOf,
  latestRule,
  readOptions,
  snapshotArgument,
  withChosenRepository,
} from '../snapshot-options.ts';

const signs: Readonly<Record<Difference['change'], string>> = {
  added: '+',
  removed: '-',
  content: 'M',
  type: 'T',
  metadata: 'U',
};

export const command = defineCommand({
  description: `Names the files and folders in which two snapshots differ: + only in the second, - only in the first, M another
content, T another type, and with --metadata also U another mode, owner or time. Folders that are the same in both
are not read. ${latestRule}

With --rows, rows and documents of databases are compared: + only in the second, - only in the first, M another
content under the same primary key. No server is needed; tables that are the same in both are not read.`,
  args: [
    { usage: '<before>', text: snapshotArgument.text },
    { usage: '[after]', text: 'another one; without it, the first is compared with the one before it' },
  ],
  options: {
    ...readOptions,
    metadata: flag('--metadata', 'also what differs in nothing but its metadata'),
    rows: flag('--rows', 'rows and documents in the place of files'),
    table: list('--table <name>', 'with --rows, only this table or collection'),
  },
  examples: [
    ['diff latest:media', 'what is new in the newest snapshot'],
    ['diff 3fa8c2d1 latest:media', 'what happened since'],
    ['diff latest:shop~7 latest:shop --rows --table orders', 'which orders changed within seven backups'],
  ],
  statuses: [3, 10, 11, 12, 14],
  run: (call) =>
    withChosenRepository(call, async (repository) => {
      const { output, signal, options, args } = call;
      assertFitting(options);
      const all = await repository.snapshots();
      const choose = (word: string): Snapshot => chooseSnapshot(all, word, filterOf(options));
      const [first = '', second] = args;
      const before = choose(second === undefined ? `${first}~1` : first);
      const after = choose(second ?? first);
      if (options.rows)
        return await showRows(repository, [before, after], { ...call, tables: options.table });
      const counts = { added: 0, removed: 0, content: 0, type: 0, metadata: 0 };
      let [bytesAdded, bytesRemoved] = [0, 0];
      for await (const difference of repository.diff(before, after, { metadata: options.metadata, signal })) {
        counts[difference.change] += 1;
        if (difference.change !== 'metadata') {
          bytesAdded += sizeOf(difference.after);
          bytesRemoved += sizeOf(difference.before);
        }
        await output.result(fieldsOf(difference), lineOf(difference));
      }
      const { added, removed, content, type, metadata } = counts;
      output.say(
        {
          message_type: 'summary',
          before: before.id,
          after: after.id,
          added,
          removed,
          changed: content + type,
          metadata,
          bytes_added: bytesAdded,
          bytes_removed: bytesRemoved,
        },
        `${shortId(before.id)} to ${shortId(after.id)}: ${formatCount(added)} added, ${formatCount(removed)} removed, ` +
          `${formatCount(content + type)} changed${options.metadata ? `, ${formatCount(metadata)} in their metadata` : ''}; ` +
          `${formatBytes(bytesAdded)} of files came, ${formatBytes(bytesRemoved)} went`,
      );
      return 0;
    }),
});

const assertFitting = (options: {
  readonly rows: boolean;
  readonly metadata: boolean;
  readonly table: readonly string[];
}): void => {
  if (options.table.length > 0 && !options.rows)
    throw new HoldfastError('USAGE', '--table is for rows', { hint: 'say --rows as well' });
  if (options.metadata && options.rows)
    throw new HoldfastError('USAGE', '--metadata and --rows exclude each other', {
      hint: 'rows have no metadata; compare files in a command of its own',
    });
};

const sizeOf = (side: Difference['before']): number => (side?.type === 'file' ? (side.meta.size ?? 0) : 0);

const lineOf = ({ path, change, before, after }: Difference): string => {
  const sizes =
    change === 'content' && before?.type === 'file'
      ? `  (${formatBytes(sizeOf(before))}, now ${formatBytes(sizeOf(after))})`
      : '';
  return `${signs[change]}  /${printable(path)}${(after ?? before)?.type === 'dir' ? '/' : ''}${sizes}`;
};

const fieldsOf = ({ path, change, before, after }: Difference) => ({
  message_type: 'change',
  path: `/${path}`,
  change,
  modifier: signs[change],
  type: (after ?? before)?.type,
  size_before: before?.type === 'file' ? before.meta.size : undefined,
  size_after: after?.type === 'file' ? after.meta.size : undefined,
});
