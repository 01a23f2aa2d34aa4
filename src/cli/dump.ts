// holdfast dump: one file of a snapshot, to standard output.
import { findRecords, notOne } from '#jobs/find-records.ts';
import { findPath } from '#jobs/selection.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type Call, defineCommand, type OptionSpecs, value } from './command.ts';
import { latestRule, readOptions, snapshotArgument, withSnapshot } from './snapshot-options.ts';

const options = {
  ...readOptions,
  document: value('--document <id>', 'not a file but this document, every revision that is a leaf on a line'),
};

export const command = defineCommand({
  description: `Writes the content of one file of a snapshot to standard output, verified as it is read. With --document it
writes one document of a snapshot of CouchDB; a path then says in which database to look. ${latestRule}`,
  args: [snapshotArgument, { usage: '[path]', text: 'a file of the snapshot, as `holdfast ls` shows it' }],
  options,
  examples: [
    ['dump latest:media /media/menu.pdf > menu.pdf', 'one file'],
    ['dump latest:shop /shop/schema.sql | less', 'the schema of a database'],
    ['dump latest:couch --document order:17 | head -1 | jq', 'the winning revision of a document'],
  ],
  statuses: [10, 11, 12, 14],
  run: (call) =>
    withSnapshot(call, async (repository, snapshot) => {
      const { args, output, signal } = call;
      if (call.options.document !== undefined)
        return await dumpDocument(call, repository, snapshot, call.options.document);
      if (args[1] === undefined)
        throw new HoldfastError('USAGE', 'no file is named', {
          hint: 'give a path of `holdfast ls`, or --document <id>',
        });
      const { path, type } = await findPath(repository, snapshot, args[1], signal);
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

const dumpDocument = async (
  { args, output, signal }: Call<OptionSpecs & typeof options>,
  repository: Repository,
  snapshot: Snapshot,
  key: string,
): Promise<number> => {
  const within =
    args[1] === undefined ? undefined : (await findPath(repository, snapshot, args[1], signal)).path;
  const found = await Array.fromAsync(findRecords(repository, snapshot, { key, within, signal }));
  const [only] = found;
  if (!only || found.length > 1)
    throw notOne(
      snapshot,
      key,
      found.map(({ path }) => path),
    );
  for (const { bytes } of only.records) await output.bytes(bytes);
  await output.flush();
  return 0;
};
