// holdfast accept: what looked suspicious is right.
import { repositoryNamed } from '#config/config.ts';
import { acceptRun } from '#jobs/health/accept.ts';
import { originOf } from '#jobs/snapshot-choice.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural, shortId } from '#lib/format.ts';
import { defineCommand } from '../command.ts';
import { isPlace } from '../given.ts';
import { jobContext } from '../job-context.ts';
import { chooseRepository, configIfAny } from '../repository-choice.ts';

export const command = defineCommand({
  description: `Takes a suspicious run for good: its snapshots become what is usual from now on, and count again when old ones are
forgotten. Until then a suspicious snapshot stands for nothing: nothing is forgotten on its account, and the next ones
are held against those before it.

Without -r, every repository of the configuration file that has snapshots of the run is looked at.`,
  args: [{ usage: '<run>', text: "the beginning of a run's id, or latest: the newest that is suspicious" }],
  options: {},
  examples: [
    ['accept latest', 'the tables were dropped on purpose'],
    ['accept 20261121-033000', 'one run'],
  ],
  statuses: [10, 11, 12, 14],
  async run(call) {
    const { args, output, global } = call;
    const [word = 'latest'] = args;
    const config =
      global.repository !== undefined && isPlace(global.repository) ? undefined : await configIfAny(call);
    const repositories =
      config === undefined || global.repository !== undefined || call.env.HOLDFAST_REPOSITORY
        ? [await chooseRepository(call, { config })]
        : [...config.repositories.keys()].map((name) => repositoryNamed(config, name));
    const accepted = await acceptRun(repositories, word, jobContext(call));
    for (const { repository, snapshot } of accepted)
      output.say(
        { message_type: 'accepted', repository, snapshot_id: snapshot.id, source: originOf(snapshot) },
        `${originOf(snapshot)} in ${repository}: snapshot ${shortId(snapshot.id)} is accepted`,
      );
    output.say({ message_type: 'summary', accepted: accepted.length }, undefined);
    if (accepted.length > 0) return 0;
    throw new HoldfastError(
      'SNAPSHOT_UNKNOWN',
      `no suspicious snapshot is of ${word === 'latest' ? 'any run' : `a run "${word}"`}`,
      {
        hint: `\`holdfast snapshots\` marks those that are; looked at: ${plural(repositories.length, 'repository', 'repositories')}`,
      },
    );
  },
});
