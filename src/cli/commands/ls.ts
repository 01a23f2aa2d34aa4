// holdfast ls: what is in a snapshot.
import { findPath } from '#jobs/selection.ts';
import type { HoldfastError } from '#lib/errors.ts';
import { formatTime, plural, printable } from '#lib/format.ts';
import type { ListedEntry } from '#repository/contract.ts';
import { defineCommand, flag } from '../command.ts';
import { showFailedItem } from '../job-report.ts';
import { latestRule, readOptions, snapshotArgument, withSnapshot } from '../snapshot-options.ts';

export const command = defineCommand({
  description: `Lists the files of a snapshot, or those at and below a path in it. Of a database these are its own
formats, one folder or file a table. ${latestRule}`,
  args: [snapshotArgument, { usage: '[path]', text: 'a file or folder of the snapshot' }],
  options: { ...readOptions, long: flag('-l, --long', 'with permissions, owner, size and time') },
  examples: [
    ['ls latest:media', 'everything'],
    ['ls -l 3fa8c2d1 media/2026', 'one folder, in detail'],
  ],
  statuses: [3, 10, 11, 12, 14],
  run: (call) =>
    withSnapshot(call, async (repository, snapshot) => {
      const { args, options, output, signal } = call;
      const path =
        args[1] === undefined ? undefined : (await findPath(repository, snapshot, args[1], signal)).path;
      let entries = 0;
      let failed = 0;
      const onDamaged = (at: string, error: HoldfastError): void => {
        failed += 1;
        showFailedItem(output, `/${at}`, error);
      };
      for await (const entry of repository.list(snapshot, {
        ...(path !== undefined && { path }),
        ...{ onDamaged, signal },
      })) {
        entries += 1;
        await output.result(entryFields(entry), options.long ? longLine(entry) : `/${printable(entry.path)}`);
      }
      if (output.json)
        output.say(
          { message_type: 'summary', snapshot_id: snapshot.id, entries, items_failed: failed },
          plural(entries, 'entry', 'entries'),
        );
      return failed > 0 ? 3 : 0;
    }),
});

const longLine = ({ path, type, meta }: ListedEntry): string => {
  const owner = `${meta.user || (meta.uid ?? '-')}:${meta.group || (meta.gid ?? '-')}`;
  const target = meta.linkTarget === undefined ? '' : ` -> ${printable(meta.linkTarget)}`;
  const time = meta.mtime === undefined ? '-'.padEnd(19) : formatTime(dateOf(meta.mtime));
  return (
    `${permissions(type, meta.mode ?? 0)} ${owner.padEnd(13)} ${String(meta.size ?? 0).padStart(12)} ` +
    `${time} /${printable(path)}${target}`
  );
};

const letters: Readonly<Record<ListedEntry['type'], string>> = {
  dir: 'd',
  file: '-',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  chardev: 'c',
  dev: 'b',
  irregular: '?',
};

/** '-rwxr-sr-t', as `ls -l` has it. */
const permissions = (type: ListedEntry['type'], mode: number): string => {
  const bits = [...'rwxrwxrwx'].map((letter, at) => ((mode >> (8 - at)) & 1 ? letter : '-'));
  const special = (at: number, bit: number, letter: string): void => {
    if (mode & bit) bits[at] = bits[at] === 'x' ? letter : letter.toUpperCase();
  };
  special(2, 0o4000, 's');
  special(5, 0o2000, 's');
  special(8, 0o1000, 't');
  return letters[type] + bits.join('');
};

/** An entry in --json; also for `find`. */
export const entryFields = ({ path, type, meta }: ListedEntry) => ({
  message_type: 'node',
  path: `/${path}`,
  type,
  size: meta.size,
  mode: meta.mode,
  uid: meta.uid,
  gid: meta.gid,
  user: meta.user,
  group: meta.group,
  mtime: meta.mtime === undefined ? undefined : dateOf(meta.mtime),
  link_target: meta.linkTarget,
});

const dateOf = (nanoseconds: bigint): Date => new Date(Number(nanoseconds / 1_000_000n));
