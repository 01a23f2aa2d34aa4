// How commands that read name a snapshot, and the options they share.
import { chooseSnapshot, type SnapshotFilter } from '#jobs/snapshot-choice.ts';
import { type UseOptions, withRepository } from '#jobs/use-repository.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type ArgumentSpec, type Call, flag, type OptionSpecs, type OptionValues, value } from './command.ts';
import { jobContext } from './job-context.ts';
import { chooseRepository } from './repository-choice.ts';

export const snapshotArgument: ArgumentSpec = {
  usage: '<snapshot>',
  text: 'latest, latest:<source>, or the beginning of an id',
};

/** Narrow down which snapshots are meant. */
export const filterOptions = {
  source: value('-s, --source <name>', 'only snapshots of this source'),
  job: value('--job <name>', 'only snapshots of this job'),
  host: value('--host <name>', 'only snapshots made on this host'),
  run: value('--run <id>', 'only snapshots of this run: together they are one restore point'),
};

export const lockOptions = {
  noLock: flag('--no-lock', 'do not lock the repository, for one that cannot be written to'),
};

/** For what changes the repository unless it runs dry. */
export const dryLockOptions = {
  noLock: flag('--no-lock', 'with --dry-run: do not lock the repository, for one that cannot be written to'),
};

export const exclusiveLock = ({
  noLock,
  dryRun,
}: OptionValues<typeof dryLockOptions> & { readonly dryRun: boolean }): Pick<
  UseOptions,
  'lock' | 'isOptional'
> => {
  if (noLock && !dryRun)
    throw new HoldfastError('USAGE', '--no-lock is for a --dry-run: what is changed may be in use');
  return { lock: noLock ? 'none' : 'exclusive', ...(dryRun && { isOptional: true }) };
};

export const readOptions = { ...filterOptions, ...lockOptions };

/** The rule for `latest`, for the help of each command that takes a snapshot. */
export const latestRule = `\`latest\` is the newest snapshot of the repository's only source; where there are several,
say \`latest:<source>\` (or --source), so that no other source's snapshot is taken by accident. \`~1\` behind any of
these is the snapshot before it, \`~2\` the one before that.`;

type Reading = Call<OptionSpecs & typeof readOptions>;

export const filterOf = (options: OptionValues<typeof filterOptions>): SnapshotFilter => options;

/** Opens the repository that the call names for reading. */
export const withChosenRepository = async <Result>(
  call: Pick<Reading, 'env' | 'askSecret' | 'global' | 'output' | 'signal' | 'clock'> & {
    readonly options: OptionValues<typeof lockOptions>;
  },
  work: (repository: Repository) => Promise<Result>,
  { readsIndex = true }: Pick<UseOptions, 'readsIndex'> = {},
): Promise<Result> =>
  await withRepository(
    await chooseRepository(call),
    { lock: call.options.noLock ? 'none' : 'shared', isOptional: true, readsIndex },
    jobContext(call),
    work,
  );

/** Opens the repository for reading, and finds the snapshot that the call's first argument names. */
export const withSnapshot = async <Result>(
  call: Pick<Reading, 'env' | 'askSecret' | 'global' | 'output' | 'signal' | 'clock' | 'args'> & {
    readonly options: OptionValues<typeof readOptions>;
  },
  work: (repository: Repository, snapshot: Snapshot) => Promise<Result>,
): Promise<Result> =>
  await withChosenRepository(call, async (repository) =>
    work(
      repository,
      chooseSnapshot(await repository.snapshots(), call.args[0] ?? 'latest', filterOf(call.options)),
    ),
  );
