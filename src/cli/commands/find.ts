// holdfast find: which snapshots hold a file.
import { findRecords, hasRecords, type RecordsRead } from '#jobs/find-records.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural, printable } from '#lib/format.ts';
import type { Repository } from '#repository/contract.ts';
import { compilePatterns } from '#sources/files/patterns.ts';
import { defineCommand } from '../command.ts';
import { findRow } from '../find-row.ts';
import { chosen, type FindCall, findOptions, headingOf, inEach, unread } from '../find-snapshots.ts';
import { withChosenRepository } from '../snapshot-options.ts';
import { entryFields } from './ls.ts';

export const command = defineCommand({
  description: `Looks for files and folders by name in all snapshots, the newest first, or in those that --source, --job, --host,
--run and --snapshot choose. A pattern fits names anywhere (menu.pdf, '*.jpg', 'media/2026/*'); one that begins with '/'
counts from the snapshot's root; '**' stands for any number of folders. What a folder that fits holds is found too.

With --document, documents are looked for by their id in snapshots of CouchDB and MongoDB; without a server.
With --table and --row, rows of any database, and documents by what is in them.`,
  args: [{ usage: '[pattern...]', text: "names or patterns, in restic's way" }],
  options: findOptions,
  examples: [
    ['find menu.pdf', 'every snapshot that holds it'],
    ["find '*.jpg' --source media", 'pictures of one source'],
    ['find --document order:17', 'every snapshot with that document'],
    ['find --table orders --row id=17', 'what that row was in every snapshot'],
  ],
  statuses: [3, 10, 11, 12, 14],
  run: (call) =>
    withChosenRepository(call, async (repository) => {
      const { output, signal } = call;
      assertOneAim(call);
      if (call.options.document !== undefined)
        return await findDocument(call, repository, call.options.document);
      if (call.options.table !== undefined || call.options.row.length > 0)
        return await findRow(call, repository);
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

const assertOneAim = ({ args, options: { document, table, row, ignoreCase } }: FindCall): void => {
  const [byName, byId, byValue] = [
    args.length > 0,
    document !== undefined,
    table !== undefined || row.length > 0,
  ];
  const aims = [byName, byId, byValue].filter(Boolean).length;
  if (aims === 0)
    throw new HoldfastError('USAGE', 'nothing to look for is named', {
      hint: 'give a pattern, --document <id>, or --table <name> and --row <column=value>',
    });
  if (aims > 1) throw new HoldfastError('USAGE', 'patterns, --document and --row exclude each other');
  if (ignoreCase && !byName) throw new HoldfastError('USAGE', '--ignore-case is for patterns');
};

const findDocument = async (call: FindCall, repository: Repository, key: string): Promise<number> => {
  const { output, signal } = call;
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
