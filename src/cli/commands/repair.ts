// holdfast repair: make the best of a damaged repository.
import { originOf } from '#jobs/snapshot-choice.ts';
import { withRepository } from '#jobs/use-repository.ts';
import { plural, printable, shortId } from '#lib/format.ts';
import type { RepairOptions as Options, Repository } from '#repository/contract.ts';
import { defineCommand, flag } from '../command.ts';
import { jobContext } from '../job-context.ts';
import type { Output } from '../output.ts';
import { chooseRepository } from '../repository-choice.ts';
import { dryLockOptions, exclusiveLock } from '../snapshot-options.ts';

const options = {
  dryRun: flag('-n, --dry-run', 'say what would be done, and change nothing'),
  ...dryLockOptions,
};

export const command = defineCommand({
  description: `"repair packs" reads everything, puts what is whole of damaged packs into new ones, and removes those.
"repair index" reads the header of each pack and makes the index anew where it says something else: after packs or indexes
were lost, or when an index is wrong. A damaged index comes first, before packs; otherwise packs come first.
"repair snapshots" then rewrites the snapshots that need something lost, without the files that cannot be
restored; each is named. Such a snapshot is tagged "partial" and "repaired"; one of which nothing is left is removed.
What cannot be read at the moment, for want of a right or of a line, or because the disk does not give it, is an error and
never counts as lost.

First make a copy of the repository, if you can; and run \`holdfast check --read-data\` to learn what is wrong.
A backup of the source made before "repair snapshots" stores again what was lost and is still there.`,
  args: [{ usage: '<what>', text: 'what to repair', choices: ['packs', 'index', 'snapshots'] }],
  options,
  examples: [
    ['repair packs', 'after `check --read-data` found damage'],
    ['repair index', 'after packs or indexes were lost'],
    ['repair snapshots --dry-run', 'what is lost'],
  ],
  statuses: [3, 10, 11, 12, 14],
  async run(call) {
    const repository = await chooseRepository(call);
    const { output } = call;
    const repair = repairs[call.args[0] as keyof typeof repairs];
    return await withRepository(
      repository,
      { ...exclusiveLock(call.options), uncached: true },
      jobContext(call),
      async (opened) => {
        const onProgress = jobContext(call).onEvent;
        const status = await repair(opened, output, {
          dryRun: call.options.dryRun,
          onProgress: (progress) => onProgress({ type: 'progress', subject: repository.name, progress }),
        });
        return status;
      },
    );
  },
});

const repairIndex = async (repository: Repository, output: Output, options: Options): Promise<number> => {
  const { packs, added, missing, cut, unreadable } = await repository.repairIndex(options);
  output.progressDone();
  const tell = (what: string, ids: readonly string[]): void => {
    for (const id of ids) output.say({ message_type: 'pack', id, what }, `pack ${shortId(id)}: ${what}`);
  };
  tell('was in no index, or listed wrongly', added);
  tell('was listed and is not there', missing);
  tell('is cut', cut);
  tell('cannot be read, and is listed nowhere', unreadable);
  const lost = missing.length + unreadable.length;
  const done = options.dryRun ? 'would list' : 'lists';
  output.say(
    {
      message_type: 'summary',
      dry_run: options.dryRun,
      packs,
      added: added.length,
      missing: missing.length,
      cut: cut.length,
      unreadable: unreadable.length,
    },
    `the index ${done} ${plural(packs, 'pack')}${lost > 0 ? `; ${plural(lost, 'pack')} lost: \`holdfast repair snapshots\` goes on` : ''}${cut.length > 0 ? `; ${plural(cut.length, 'pack')} cut: \`holdfast repair packs\` saves what is whole` : ''}`,
  );
  return lost + cut.length > 0 ? 3 : 0;
};

const repairPacks = async (repository: Repository, output: Output, options: Options): Promise<number> => {
  const { packs, damaged } = await repository.repairPacks(options);
  output.progressDone();
  for (const { id, saved, lost } of damaged)
    output.say(
      { message_type: 'pack', id, what: 'damaged', saved, lost },
      `pack ${shortId(id)}: damaged; ${plural(saved, 'blob')} saved, ${lost.length} lost`,
    );
  const lost = damaged.reduce((sum, pack) => sum + pack.lost.length, 0);
  const goOn = 'back up what is still there, and `holdfast repair snapshots` goes on';
  output.say(
    { message_type: 'summary', dry_run: options.dryRun, packs, damaged: damaged.length, lost },
    damaged.length === 0
      ? `no pack needs repair (${plural(packs, 'pack')})`
      : `${options.dryRun ? 'would replace' : 'replaced'} ${plural(damaged.length, 'pack')} of ${packs}${lost > 0 ? `; ${plural(lost, 'blob')} lost: ${goOn}` : ''}`,
  );
  return damaged.length > 0 ? 3 : 0;
};

const repairSnapshots = async (repository: Repository, output: Output, options: Options): Promise<number> => {
  const reports = await repository.repairSnapshots(options);
  output.progressDone();
  const done = (text: string): string => (options.dryRun ? `would be ${text}` : `was ${text}`);
  for (const { id, snapshot, replacement, lost } of reports) {
    for (const path of lost)
      output.failure(
        { message_type: 'lost', snapshot_id: id, path },
        `snapshot ${shortId(id)}: lost: ${printable(path)}`,
      );
    const origin = snapshot ? `of ${printable(originOf(snapshot))}` : 'cannot be read, and';
    output.say(
      { message_type: 'repaired', snapshot_id: id, replacement: replacement?.id, lost: lost.length },
      replacement
        ? `snapshot ${shortId(id)} ${origin} was repaired, and is now ${shortId(replacement.id)}`
        : `snapshot ${shortId(id)} ${origin} ${done(lost.includes('/') ? 'removed: nothing of it is left' : 'repaired')}`,
    );
  }
  output.say(
    { message_type: 'summary', dry_run: options.dryRun, snapshots: reports.length },
    reports.length === 0
      ? 'no snapshot needs repair'
      : `${plural(reports.length, 'snapshot')} ${done('repaired')}`,
  );
  return reports.length > 0 ? 3 : 0;
};

const repairs = { packs: repairPacks, index: repairIndex, snapshots: repairSnapshots } as const;
