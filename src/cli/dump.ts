// holdfast dump: one file of a snapshot, to standard output.
import { findPath } from '#jobs/selection.ts';
import { HoldfastError } from '#lib/errors.ts';
import { defineCommand } from './command.ts';
import { latestRule, readOptions, snapshotArgument, withSnapshot } from './snapshot-options.ts';

export const command = defineCommand({
  description: `Writes the content of one file of a snapshot to standard output, verified as it is read. ${latestRule}`,
  args: [snapshotArgument, { usage: '<path>', text: 'a file of the snapshot, as `holdfast ls` shows it' }],
  options: readOptions,
  examples: [
    ['dump latest:media /media/menu.pdf > menu.pdf', 'one file'],
    ['dump latest:shop /shop/schema.sql | less', 'the schema of a database'],
  ],
  statuses: [10, 11, 12, 14],
  run: (call) =>
    withSnapshot(call, async (repository, snapshot) => {
      const { args, output, signal } = call;
      const { path, type } = await findPath(repository, snapshot, args[1] ?? '', signal);
      if (type !== 'file')
        throw new HoldfastError(
          'USAGE',
          `/${path} is ${type === 'dir' ? 'a folder' : `a ${type}`}, not a file`,
          {
            hint: '`holdfast restore --path` brings it back with all that is in it',
          },
        );
      for await (const entry of repository.read(snapshot, { path, signal }))
        for await (const chunk of entry.content?.() ?? []) await output.bytes(chunk);
      await output.flush();
      return 0;
    }),
});
