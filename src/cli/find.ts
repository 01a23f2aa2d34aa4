// holdfast find: which snapshots hold a file.
import { findRecords, hasRecords, type RecordsRead } from '#jobs/find-records.ts';
import { chooseSnapshot, matching, originOf } from '#jobs/snapshot-choice.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { formatTime, plural, printable, shortId } from '#lib/format.ts';
import type { ReadOptions, Repository, Snapshot } from '#repository/contract.ts';
import { compilePatterns } from '#sources/files/patterns.ts';
import { type Call, defineCommand, flag, list, type OptionSpecs, value } from './command.ts';
import { showFailedItem } from './job-report.ts';
import { entryFields } from './ls.ts';
import type { Output } from './output.ts';
import { filterOf, readOptions, withChosenRepository } from './snapshot-options.ts';

const options = {
  ...readOptions,
  snapshot: list('--snapshot <snapshot>', 'only in this snapshot'),
  document: value('--document <id>', 'the snapshots that hold this document, and its revisions in each'),
  ignoreCase: flag('-i, --ignore-case', 'upper and lower case are equal'),
};

type FindCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Looks for files and folders by name in all snapshots, the newest first, or in those that --source, --job, --host
and --snapshot choose. A pattern fits names anywhere (menu.pdf, '*.jpg', 'media/2026/*'); one that begins with '/'
counts from the snapshot's root; '**' stands for any number of folders. What a folder that fits holds is found too.

With --document, documents are looked for by their id in snapshots of CouchDB and MongoDB; without a server.`,
  args: [{ usage: '[pattern...]', text: "names or patterns, in restic's way" }],
  options,
  examples: [
    ['find menu.pdf', 'every snapshot that holds it'],
    ["find '*.jpg' --source media", 'pictures of one source'],
    ['find --document order:17', 'every snapshot with that document'],
  ],
  statuses: [3, 10, 11, 12, 14],
  run: (call) =>
    withChosenRepository(call, async (repository) => {
      const { output, signal } = call;
      if (call.options.document !== undefined)
        return await findDocument(call, repository, call.options.document);
      if (call.args.length === 0)
        throw new HoldfastError('USAGE', 'nothing to look for is named', {
          hint: 'give a pattern, or --document <id>',
        });
      // A '!' takes nothing back here: it is a letter of a name.
      const texts = call.args.map((text) => (text.startsWith('!') ? `\\${text}` : text));
      const patterns = compilePatterns(texts, { ignoreCase: call.options.ignoreCase });
      let [entries, holding] = [0, 0];
      const searched = chosen(await repository.snapshots(), call);
      const failed = await inEach(searched, output, async (snapshot, onDamaged) => {
        const before = entries;
        const include = (path: string, type: string): boolean =>
          patterns.matches(`/${path}`) || (type === 'dir' && patterns.mayMatchBelow(`/${path}`));
        for await (const entry of repository.list(snapshot, { include, onDamaged, signal })) {
          if (!patterns.matches(`/${entry.path}`)) continue;
          if (entries === before && !output.json) await output.heading(headingOf(snapshot));
          entries += 1;
          await output.result(
            { ...entryFields(entry), snapshot_id: snapshot.id },
            `/${printable(entry.path)}`,
          );
        }
        if (entries > before) holding += 1;
      });
      output.say(
        { message_type: 'summary', entries, snapshots: holding, items_failed: failed },
        (entries === 0
          ? `nothing found in ${plural(searched.length, 'snapshot')}`
          : `${plural(entries, 'entry', 'entries')} in ${plural(holding, 'snapshot')}`) + unread(failed),
      );
      return failed > 0 ? 3 : 0;
    }),
});

const findDocument = async (call: FindCall, repository: Repository, key: string): Promise<number> => {
  const { args, output, signal } = call;
  if (args.length > 0) throw new HoldfastError('USAGE', '--document and patterns exclude each other');
  const read: RecordsRead = new Map();
  let [documents, holding] = [0, 0];
  const searched = chosen(await repository.snapshots(), call).filter(hasRecords);
  const failed = await inEach(searched, output, async (snapshot) => {
    const before = documents;
    for await (const { path, records } of findRecords(repository, snapshot, { key, signal, read })) {
      if (documents === before && !output.json) await output.heading(headingOf(snapshot));
      documents += 1;
      const revisions = records.map(({ label }) => label);
      await output.result(
        { message_type: 'document', id: key, path: `/${path}`, snapshot_id: snapshot.id, revisions },
        `/${printable(path)}: ${revisions.map(printable).join(', ')}`,
      );
    }
    if (documents > before) holding += 1;
  });
  output.say(
    { message_type: 'summary', entries: documents, snapshots: holding, items_failed: failed },
    (documents === 0
      ? `nothing found in ${plural(searched.length, 'snapshot')} of CouchDB or MongoDB`
      : `${plural(documents, 'document')} in ${plural(holding, 'snapshot')}`) + unread(failed),
  );
  return failed > 0 ? 3 : 0;
};

type OnDamaged = NonNullable<ReadOptions['onDamaged']>;

/** One snapshot after the other. What damage keeps from being searched is told, and counted, and keeps nothing else from it. */
const inEach = async (
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
      if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      onDamaged('', error);
    }
  }
  return failed;
};

const unread = (failed: number): string =>
  failed > 0 ? `; ${plural(failed, 'item')} could not be searched, named above` : '';

const nameOf = (snapshot: Snapshot): string =>
  `snapshot ${shortId(snapshot.id)} of ${printable(originOf(snapshot))}`;

const headingOf = (snapshot: Snapshot): string => `${nameOf(snapshot)}, ${formatTime(snapshot.time)}`;

const chosen = (all: readonly Snapshot[], { options }: FindCall): Snapshot[] => {
  const filter = filterOf(options);
  if (options.snapshot.length > 0)
    return [...new Set(options.snapshot.map((word) => chooseSnapshot(all, word, filter)))];
  return matching(all, filter).toReversed();
};
