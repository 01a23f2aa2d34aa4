// Commands that change a snapshot's tags: one snapshot, found and stored anew under the exclusive lock.
import { chooseSnapshot } from '#jobs/snapshot-choice.ts';
import { withRepository } from '#jobs/use-repository.ts';
import { shortId } from '#lib/format.ts';
import type { Call, OptionSpecs } from './command.ts';
import { jobContext } from './job-context.ts';
import { chooseRepository } from './repository-choice.ts';
import { filterOf, type filterOptions } from './snapshot-options.ts';

/** Gives each snapshot that the call names the tags that `change` makes of its own, and says so. */
export const changeTags = async (
  call: Call<OptionSpecs & typeof filterOptions>,
  done: string,
  change: (tags: readonly string[]) => readonly string[],
): Promise<number> => {
  const { args, options, output } = call;
  const repository = await chooseRepository(call);
  await withRepository(repository, { lock: 'exclusive' }, jobContext(call), async (opened) => {
    const all = await opened.snapshots();
    for (const snapshot of new Set(args.map((word) => chooseSnapshot(all, word, filterOf(options))))) {
      const tags = [...new Set(change(snapshot.tags))];
      const same = tags.length === snapshot.tags.length && tags.every((tag) => snapshot.tags.includes(tag));
      const { id } = same ? snapshot : await opened.retag(snapshot, tags);
      output.say(
        { message_type: 'tagged', snapshot_id: id, before: snapshot.id, tags, changed: !same },
        same
          ? `snapshot ${shortId(id)} is as asked already`
          : `${done} snapshot ${shortId(snapshot.id)}, which is now ${shortId(id)}`,
      );
    }
  });
  output.say({ message_type: 'summary', repository: repository.name }, undefined);
  return 0;
};
