// holdfast copy: snapshots into another repository.
import type { RepositoryConfig } from '#config/config.ts';
import { type CopyOutcome, copySnapshots } from '#jobs/copy.ts';
import { ok, partial } from '#jobs/run-outcome.ts';
import { chooseSnapshot, matchingSome, originOf } from '#jobs/snapshot-choice.ts';
import { withRepository } from '#jobs/use-repository.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { formatBytes, plural, printable, shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type Call, defineCommand, flag, type OptionSpecs, value } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { errorFields } from '../job-report.ts';
import type { Output } from '../output.ts';
import { chooseRepository } from '../repository-choice.ts';
import { filterOf, readOptions } from '../snapshot-options.ts';

const options = {
  ...readOptions,
  rechunk: flag('--rechunk', 'cut files anew, to share blobs with backups made there'),
  to: value('-t, --to <repository>', 'where to: a folder, a URL, or a name of the configuration file'),
};

type CopyCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Copies snapshots from the repository that -r names into another one: all that the filters let through, or those
that are named. What is there already is not read again, and a snapshot that was copied before is passed over.

Blobs are copied as they are. Each repository cuts large files at other places, so backups made in the other one share little with
copies, unless these are cut anew (--rechunk), which reads everything.

The password of the other repository comes from the configuration file, from HOLDFAST_TO_PASSWORD,
HOLDFAST_TO_PASSWORD_FILE or HOLDFAST_TO_PASSWORD_COMMAND, or is asked for.`,
  args: [{ usage: '[snapshot...]', text: 'ids, latest, or latest:<source>' }],
  options,
  examples: [
    ['copy -r nearby --to offsite', 'every snapshot, between two of holdfast.yaml'],
    ['-r /backups copy latest:shop --to /mnt/usb/backups', 'one of them'],
  ],
  statuses: [3, 10, 11, 12, 14],
  async run(call) {
    const source = await chooseRepository(call);
    const target = await targetOf(call);
    const context = jobContext(call);
    const lock = call.options.noLock ? 'none' : 'shared';
    return await withRepository(source, { lock, isOptional: true, readsIndex: true }, context, (from) =>
      withRepository(target, { lock: 'shared', readsIndex: true }, context, (to) =>
        copy(call, from, to, target.name),
      ),
    );
  },
});

const targetOf = async (call: CopyCall): Promise<RepositoryConfig> => {
  const { to } = call.options;
  if (to === undefined)
    throw new HoldfastError('USAGE', 'copy needs --to', { hint: 'name the repository to copy into' });
  return await chooseRepository({
    ...call,
    global: { ...call.global, repository: to, passwordFile: undefined, passwordCommand: undefined },
    passwordVariable: 'HOLDFAST_TO_PASSWORD',
  });
};

const copy = async (call: CopyCall, from: Repository, to: Repository, name: string): Promise<number> => {
  const { args, output, options } = call;
  if (from.id === to.id)
    throw new HoldfastError('USAGE', `${name} is the repository to copy from`, {
      hint: 'name another one with --to',
    });
  const all = await from.snapshots();
  const filter = filterOf(options);
  const chosen =
    args.length > 0
      ? [...new Set(args.map((word) => chooseSnapshot(all, word, filter)))]
      : matchingSome(all, filter);
  const errors: Error[] = [];
  const onDamaged = (snapshot: Snapshot, error: Error): void => {
    errors.push(error);
    tellDamaged(output, snapshot, error);
  };
  const counts = { copied: 0, there: 0 };
  let bytesStored = 0;
  const wishes = { rechunk: options.rechunk, onDamaged };
  for await (const outcome of copySnapshots(from, to, chosen, jobContext(call), wishes)) {
    tellOutcome(output, outcome);
    counts[outcome.state] += 1;
    if (outcome.state === 'copied') bytesStored += outcome.report.bytesStored;
  }
  const { copied, there } = counts;
  const failed = errors.length;
  if (failed > 0 && failed === chosen.length) throw errors[0];
  const others = `${there > 0 ? `, ${there} there already` : ''}${failed > 0 ? `, ${failed} failed` : ''}`;
  output.say(
    { message_type: 'summary', to: name, copied, there, failed, bytes_stored: bytesStored },
    `${plural(copied, 'snapshot')} copied to ${name}${others}`,
  );
  return (failed > 0 ? partial : ok).status;
};

const tellDamaged = (output: Output, snapshot: Snapshot, error: Error): void => {
  output.progressDone();
  output.failure(
    { message_type: 'copy', snapshot_id: snapshot.id, copied: false, ...errorFields(error) },
    `${nameOf(snapshot)} cannot be copied: ${messageOf(error)}`,
    'run `holdfast check` there; `holdfast repair` makes what is whole of a snapshot fit to be copied',
  );
};

const tellOutcome = (output: Output, outcome: CopyOutcome): void => {
  output.progressDone();
  const { snapshot } = outcome;
  const ids = { message_type: 'copy', snapshot_id: snapshot.id };
  if (outcome.state === 'there') {
    const { copy } = outcome;
    output.detail(
      { ...ids, copy: copy.id, copied: false },
      `${nameOf(snapshot)} is there already, as ${shortId(copy.id)}`,
    );
    return;
  }
  const { snapshot: copy, blobsCopied, bytesCopied, bytesStored } = outcome.report;
  output.say(
    {
      ...ids,
      copy: copy.id,
      copied: true,
      blobs: blobsCopied,
      bytes: bytesCopied,
      bytes_stored: bytesStored,
    },
    `${nameOf(snapshot)}, copied as ${shortId(copy.id)}: ${plural(blobsCopied, 'new blob')}, stored ${formatBytes(bytesStored)}`,
  );
};

const nameOf = (snapshot: Snapshot): string =>
  `snapshot ${shortId(snapshot.id)} of ${printable(originOf(snapshot))}`;
