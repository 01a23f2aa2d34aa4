// holdfast prune: free the space of what no snapshot uses.
import { withRepository } from '#jobs/use-repository.ts';
import { defineCommand } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { maxUnusedOf, pruneOptions, reportPrune } from '../prune-report.ts';
import { chooseRepository } from '../repository-choice.ts';
import { dryLockOptions, exclusiveLock } from '../snapshot-options.ts';

export const command = defineCommand({
  description: `Removes from a repository the data that no snapshot uses: what \`forget\` left behind, and what interrupted
backups left. Packs that are used in part are copied without their unused part until no more than --max-unused is left.

The repository is locked for others meanwhile. It may be interrupted at any moment; the next prune goes on.
When any snapshot is not whole, nothing is removed.`,
  args: [],
  options: { ...pruneOptions, ...dryLockOptions },
  examples: [
    ['prune', 'the repository of holdfast.yaml'],
    ['-r /backups prune --max-unused 10% --dry-run', 'how much it would free'],
    ['prune --max-unused unlimited', 'quickly: only packs that hold nothing used'],
  ],
  statuses: [10, 11, 12, 14],
  async run(call) {
    const { output, options } = call;
    const { dryRun } = options;
    const maxUnused = maxUnusedOf(options.maxUnused);
    const repository = await chooseRepository(call);
    const context = jobContext(call);
    const report = await withRepository(repository, exclusiveLock(options), context, (opened) =>
      opened.prune({
        maxUnused,
        dryRun,
        onProgress: (progress) => context.onEvent({ type: 'progress', subject: repository.name, progress }),
      }),
    );
    reportPrune(output, repository.name, report, dryRun);
    output.say({ message_type: 'summary', repository: repository.name, dry_run: dryRun }, undefined);
    return 0;
  },
});
