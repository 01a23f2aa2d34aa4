// holdfast init: an empty repository.
import { initRepository } from '#jobs/use-repository.ts';
import { shortId } from '#lib/format.ts';
import { defineCommand } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { chooseRepository } from '../repository-choice.ts';

export const command = defineCommand({
  description: `Makes an empty repository, in restic's format: a folder or URL, or one of the configuration file.
Keep its password safe: without it nothing in the repository can be read again.`,
  args: [
    { usage: '[repository]', text: 'a folder, a URL, or a name of the configuration file; the same as -r' },
  ],
  options: {},
  examples: [
    ['init /backups', 'asks for a new password'],
    ['init offsite', 'the repository of that name in holdfast.yaml'],
  ],
  statuses: [14],
  async run(call) {
    const [place] = call.args;
    const global = place === undefined ? call.global : { ...call.global, repository: place };
    const repository = await chooseRepository({ ...call, global }, { isNew: true });
    const id = await initRepository(repository, jobContext(call));
    call.output.say(
      { message_type: 'summary', id, repository: repository.name },
      `made repository ${shortId(id)} at ${repository.name}; without its password nothing in it can be read`,
    );
    return 0;
  },
});
