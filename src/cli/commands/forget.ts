// holdfast forget: remove snapshots, by rules or by name.

import type { RepositoryConfig } from '#config/config.ts';
import { type Config, jobNamed, repositoryNamed } from '#config/config.ts';
import type { KeepRules } from '#config/keep.ts';
import { forgotten, refuseLastGood, removeSnapshots, retain, retainOf } from '#jobs/forget.ts';
import type { Verdict } from '#jobs/retention.ts';
import { chooseSnapshot, matchingSome } from '#jobs/snapshot-choice.ts';
import { withRepository } from '#jobs/use-repository.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type Call, defineCommand, flag, type OptionSpecs } from '../command.ts';
import { sayForgotten, showVerdicts } from '../forget-report.ts';
import { jobContext } from '../job-context.ts';
import { keepOptions, keepRulesOf } from '../keep-options.ts';
import { maxUnusedOf, pruneOptions, reportPrune } from '../prune-report.ts';
import { chooseRepository, configIfAny } from '../repository-choice.ts';
import { filterOf, filterOptions } from '../snapshot-options.ts';

const options = {
  ...keepOptions,
  ...filterOptions,
  ...pruneOptions,
  prune: flag('--prune', 'then free the space, as `holdfast prune` does'),
  force: flag('--force', 'remove also what is pinned or the last complete one, when it is named'),
};

type ForgetCall = Call<OptionSpecs & typeof options>;

/** Something to do in one repository. */
interface Task {
  readonly repository: RepositoryConfig;
  readonly job?: string;
  /** Returns what becomes of the snapshots that were looked at. */
  run(): Promise<Verdict[]>;
}

/** A repository without these snapshots. */
interface Cleared {
  readonly repository: RepositoryConfig;
  readonly without: ReadonlySet<string>;
}

export const command = defineCommand({
  description: `Removes snapshots; their data stays until a prune. Without rules and names, each job of the configuration file
is taken with its own \`keep\`; with --keep-… options, these rules are applied to each source of each host; snapshots that
are named are removed as they are.

A partial snapshot takes the place of no complete one; one that is dated in the future stays, as do those that are pinned,
and the last complete one of each source.`,
  args: [{ usage: '[snapshot...]', text: 'ids, latest, or latest:<source>' }],
  options,
  examples: [
    ['forget', "what the jobs' own rules do not keep"],
    ['-r /backups forget --keep-daily 7 --keep-weekly 4 --dry-run', 'what would go, and why the others stay'],
    ['forget 3fa8c2d1 --prune', 'one snapshot, and the space it takes'],
  ],
  statuses: [10, 11, 12, 14],
  async run(call) {
    const config = await configIfAny(call);
    const { options, output } = call;
    const maxUnused = maxUnusedOf(options.maxUnused);
    const repositories = new Map<string, Cleared>();
    const tasks = await tasksOf(call, config);
    let lookedAt = 0;
    for (const task of tasks) {
      const verdicts = await task.run();
      lookedAt += verdicts.length;
      const { repository, job } = task;
      const forgetting = {
        repository: repository.name,
        dryRun: options.dryRun,
        verdicts,
        ...(job !== undefined && { job }),
      };
      if (options.dryRun || output.json || output.verbosity === 'verbose')
        await showVerdicts(output, forgetting);
      sayForgotten(output, forgetting);
      const before = repositories.get(repository.name)?.without ?? [];
      const without = new Set([...before, ...forgotten(verdicts).map(({ id }) => id)]);
      repositories.set(repository.name, { repository, without });
    }
    if (lookedAt === 0) await assertKnown(call, config, tasks);
    if (options.prune)
      for (const cleared of repositories.values()) await pruneAfter(call, cleared, maxUnused);
    output.say(
      { message_type: 'summary', dry_run: options.dryRun, repositories: [...repositories.keys()] },
      undefined,
    );
    return 0;
  },
});

const tasksOf = async (call: ForgetCall, config: Config | undefined): Promise<Task[]> => {
  const rules = keepRulesOf(call.options);
  refuseIdle(call);
  if (call.args.length > 0 && rules !== undefined)
    throw new HoldfastError('USAGE', 'named snapshots and --keep-… options contradict each other');
  if (call.args.length > 0 || rules !== undefined) {
    const repository = await chooseRepository(call, { config });
    const lock = call.options.dryRun ? 'shared' : 'exclusive';
    const work = (opened: Repository): Promise<Verdict[]> =>
      rules === undefined ? forgetNamed(call, opened) : forgetByRules(call, opened, rules);
    return [{ repository, run: () => withRepository(repository, { lock }, jobContext(call), work) }];
  }
  const tasks = config ? jobTasks(call, config) : [];
  if (tasks.length > 0) return tasks;
  throw new HoldfastError('USAGE', 'nothing says what to keep, so nothing is forgotten', {
    hint: 'give --keep-… options or ids of snapshots, or write "keep:" into the jobs of holdfast.yaml',
  });
};

/** Options that would mean nothing. */
const refuseIdle = ({ args, options }: ForgetCall): void => {
  if (options.maxUnused !== undefined && !options.prune)
    throw new HoldfastError('USAGE', '--max-unused means nothing without --prune');
  if (options.run !== undefined && args.length === 0)
    throw new HoldfastError('USAGE', '--run is for snapshots that are named', {
      hint: 'rules look at all runs; say which of this one: latest:<source>, or the beginning of an id',
    });
  if (options.force && args.length === 0)
    throw new HoldfastError('USAGE', '--force is for snapshots that are named');
};

const jobTasks = (call: ForgetCall, config: Config): Task[] => {
  const { job: wanted, source, host, dryRun } = call.options;
  const { repository: only, passwordFile, passwordCommand } = call.global;
  if (passwordFile !== undefined || passwordCommand !== undefined)
    throw new HoldfastError(
      'USAGE',
      "the jobs' repositories have their passwords in the configuration file",
      {
        hint: 'leave out --password-file and --password-command, or give --keep-… options',
      },
    );
  if (only !== undefined) repositoryNamed(config, only);
  if (wanted !== undefined) jobNamed(config, wanted);
  return [...config.jobs.values()].flatMap((job) =>
    job.verb !== 'backup' || (wanted !== undefined && job.name !== wanted)
      ? []
      : job.to.flatMap(({ repository: name, keep: rules }): Task[] => {
          if (rules === undefined || (only !== undefined && name !== only)) return [];
          const repository = repositoryNamed(config, name);
          const retention = {
            job: job.name,
            rules,
            host,
            ...(source !== undefined && { sources: [source] }),
          };
          return [
            { repository, job: job.name, run: () => retain(repository, retention, dryRun, jobContext(call)) },
          ];
        }),
  );
};

const forgetByRules = async (
  call: ForgetCall,
  repository: Repository,
  rules: KeepRules,
): Promise<Verdict[]> => {
  const chosen = matchingSome(await repository.snapshots(), filterOf(call.options));
  return await retainOf(repository, chosen, rules, call.options.dryRun, jobContext(call));
};

/** A source or host that is misspelt must not look as if it had nothing to forget; one that was not backed up yet has nothing. */
const assertKnown = async (
  call: ForgetCall,
  config: Config | undefined,
  tasks: readonly Task[],
): Promise<void> => {
  const { source, host } = call.options;
  const isNamed = source !== undefined && config?.sources.has(source) === true;
  const filter = { host, ...(!isNamed && { source }) };
  if (Object.values(filter).every((value) => value === undefined)) return;
  const all: Snapshot[] = [];
  for (const repository of new Set(tasks.map((task) => task.repository)))
    all.push(
      ...(await withRepository(repository, { lock: 'shared' }, jobContext(call), (opened) =>
        opened.snapshots(),
      )),
    );
  matchingSome(all, filter);
};

const forgetNamed = async (call: ForgetCall, repository: Repository): Promise<Verdict[]> => {
  const { args, options, clock } = call;
  const all = await repository.snapshots();
  const chosen = [...new Set(args.map((word) => chooseSnapshot(all, word, filterOf(options))))];
  if (!options.force) refuseLastGood(chosen, all, clock.now());
  if (!options.dryRun) await removeSnapshots(repository, chosen, call);
  return chosen.map((snapshot) => ({ snapshot, reasons: [] }));
};

const pruneAfter = async (
  call: ForgetCall,
  { repository, without }: Cleared,
  maxUnused: ReturnType<typeof maxUnusedOf>,
): Promise<void> => {
  const { dryRun } = call.options;
  const context = jobContext(call);
  const onProgress: Parameters<Repository['prune']>[0]['onProgress'] = (progress) =>
    context.onEvent({ type: 'progress', subject: repository.name, progress });
  const report = await withRepository(repository, { lock: 'exclusive' }, context, (opened) =>
    opened.prune({ maxUnused, dryRun, without, onProgress }),
  );
  reportPrune(call.output, repository.name, report, dryRun);
};
