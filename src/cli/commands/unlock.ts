// holdfast unlock: locks that an interrupted process left behind.
import { unlockRepository } from '#jobs/use-repository.ts';
import { plural } from '#lib/format.ts';
import { defineCommand, flag } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { chooseRepository } from '../repository-choice.ts';

export const command = defineCommand({
  description: `Removes locks that nobody holds any more: those of processes of this host that have ended, and those that
have not been renewed for half an hour. Holdfast and restic respect each other's locks.`,
  args: [],
  options: {
    removeAll: flag(
      '--remove-all',
      'remove all locks; only when you know that nothing works on the repository',
    ),
  },
  examples: [['-r /backups unlock', 'after a power cut']],
  statuses: [10, 12, 14],
  async run(call) {
    const repository = await chooseRepository(call);
    const locks = await unlockRepository(repository, call.options.removeAll, jobContext(call));
    call.output.say(
      { message_type: 'summary', repository: repository.name, locks_removed: locks },
      locks === 0 ? 'no lock to remove' : `removed ${plural(locks, 'lock')}`,
    );
    return 0;
  },
});
