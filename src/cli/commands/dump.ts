// holdfast dump: one file of a snapshot, or a folder as a tar, to standard output.
import { headerOf } from '#archive/tar-header.ts';
import { packTar, type TarMember } from '#archive/tar-stream.ts';
import { findRecords, notOne } from '#jobs/find-records.ts';
import { findPath } from '#jobs/selection.ts';
import { HoldfastError } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { Content, Entry } from '#sources/source.ts';
import { type Call, defineCommand, type OptionSpecs, value } from '../command.ts';
import { latestRule, readOptions, snapshotArgument, withSnapshot } from '../snapshot-options.ts';

const options = {
  ...readOptions,
  document: value(
    '--document <id>',
    'not a file but this document; of CouchDB every revision that is a leaf, on a line',
  ),
};

export const command = defineCommand({
  description: `Writes the content of one file of a snapshot to standard output, verified as it is read; a folder comes as a tar
with all that a tar can hold: what it cannot, as a name that is not UTF-8, is named and left out (status 3); extended
attributes are in it when they are text. With --document it writes one document of a snapshot of CouchDB or MongoDB; a
path then says in which database to look. ${latestRule}`,
  args: [
    snapshotArgument,
    { usage: '[path]', text: 'a file or folder of the snapshot, as `holdfast ls` shows it' },
  ],
  options,
  examples: [
    ['dump latest:media /media/menu.pdf > menu.pdf', 'one file'],
    ['dump latest:media /media/2026 | tar xf -', 'a folder'],
    ['dump latest:shop /shop/create.sql | less', 'the schema of an SQLite database'],
    ['dump latest:couch --document order:17 | head -1 | jq', 'the winning revision of a document'],
  ],
  statuses: [3, 10, 11, 12, 14],
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
      if (type !== 'file' && type !== 'dir')
        throw new HoldfastError('USAGE', `/${path} is a ${type}, neither a file nor a folder`, {
          hint: '`holdfast restore --path` brings it back',
        });
      const entries = repository.read(snapshot, { path, signal });
      const leftOut: string[] = [];
      const onLeftOut = (left: string, why: string): void => {
        leftOut.push(left);
        output.warn(`/${printable(left)} is left out: ${why}`);
      };
      if (type === 'dir')
        for await (const chunk of packTar(tarMembers(entries, onLeftOut))) await output.bytes(chunk);
      else
        for await (const entry of entries)
          for await (const chunk of entry.content?.() ?? []) await output.bytes(chunk);
      await output.flush();
      return leftOut.length > 0 ? 3 : 0;
    }),
});

async function* tarMembers(
  entries: AsyncIterable<Entry>,
  onLeftOut: (path: string, why: string) => void,
): AsyncGenerator<TarMember> {
  for await (const entry of entries) {
    const { path, type, meta, content } = entry;
    if (type === 'socket' || type === 'irregular') onLeftOut(path, 'it is of no kind that a tar can hold');
    else if (!path.isWellFormed() || meta.linkTarget?.isWellFormed() === false)
      onLeftOut(path, 'its name or target is not UTF-8; `holdfast restore` brings it back');
    else {
      const header = { ...headerOf(path, entry), size: meta.size ?? 0 };
      yield content ? { header, bytes: ofItsSize(path, header.size, content()) } : { header };
    }
  }
}

/** A tar has the length before the bytes; a snapshot that says another was made by somebody else. */
async function* ofItsSize(path: string, size: number, content: Content): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > size) break;
    yield chunk;
  }
  if (bytes === size) return;
  throw new HoldfastError(
    'REPOSITORY_DAMAGED',
    `/${path} has not the ${size} bytes that the snapshot says, so no tar can hold it`,
    {
      hint: 'dump it by itself, or bring the folder back with `holdfast restore`',
    },
  );
}

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
  if (!only || found.length > 1) throw notOne(snapshot, key, found);
  for (const { bytes } of only.records) await output.bytes(bytes);
  await output.flush();
  return 0;
};
