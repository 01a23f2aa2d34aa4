// holdfast check: is the repository whole?
import { shareOf, shareSchema } from '#config/jobs/check.ts';
import { runCheck } from '#jobs/run-check.ts';
import { HoldfastError } from '#lib/errors.ts';
import { catalogIfAny } from '../catalog-use.ts';
import { reportCheck } from '../check-report.ts';
import { defineCommand, optionalValue } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { chooseRepository, configIfAny } from '../repository-choice.ts';
import { lockOptions } from '../snapshot-options.ts';

export const command = defineCommand({
  description: `Looks for damage in a repository. Always: that every snapshot, folder, index and pack is there, opens and fits
together. With --read-data also that every byte of data, or of a random share of it, is what was stored.
The repository is locked for others meanwhile. To hold a snapshot against what was captured, see \`verify\`.`,
  args: [],
  options: {
    readData: optionalValue(
      '--read-data [share]',
      'read and verify the data too: all of it, or a share such as 5%',
    ),
    ...lockOptions,
  },
  examples: [
    ['-r /backups check', 'the structure'],
    [
      'check -r offsite --read-data=5%',
      'and a random twentieth of the data, so that in time all of it is read',
    ],
  ],
  statuses: [10, 11, 12, 14],
  async run(call) {
    const readData = readDataOf(call.options.readData);
    const config = await configIfAny(call);
    const repository = await chooseRepository(call, { config });
    using catalog = catalogIfAny(config, call);
    const task = { repositories: [repository], readData, noLock: call.options.noLock };
    const run = await runCheck(task, { ...jobContext(call), catalog });
    for (const outcome of run.outcomes) reportCheck(call.output, outcome);
    const { state, status } = run;
    call.output.say({ message_type: 'summary', repository: repository.name, state, status }, undefined);
    return status;
  },
});

const readDataOf = (option: string | true | undefined): number => {
  if (option === undefined) return 0;
  if (option === true) return 1;
  const share = shareSchema.safeParse(option);
  if (share.success) return shareOf(share.data);
  throw new HoldfastError(
    'USAGE',
    `--read-data ${option}: ${share.error.issues[0]?.message ?? 'is not a share'}`,
  );
};
