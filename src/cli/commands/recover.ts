// holdfast recover: a whole restore point, each source back into its place or into another.
import { type Config, type JobConfig, jobNamed, sourceNamed } from '#config/config.ts';
import { planRestore, type RestoreRequest, restoreSnapshot } from '#jobs/restore.ts';
import { choosePoint, type PointHints, shortcoming } from '#jobs/restore-point.ts';
import { type Ended, failed, ok, partial, together } from '#jobs/run-outcome.ts';
import { withRepository } from '#jobs/use-repository.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError, hintOf, messageOf } from '#lib/errors.ts';
import { formatTime, plural, printable, shortId } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import { secretsIn, withoutPassword } from '#lib/secret.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { type Call, defineCommand, flag, list, type OptionSpecs } from '../command.ts';
import { warnIfNotGood } from '../flawed-snapshot.ts';
import { jobContext } from '../job-context.ts';
import { errorFields } from '../job-report.ts';
import { warnOfPasswordIn } from '../password-warning.ts';
import { readConfig } from '../read-config.ts';
import { chooseRepository } from '../repository-choice.ts';
import { type Restored, showPlan, showRestored } from '../restore-report.ts';
import { fullFolder, hintForFullFolder, placeText, targetOf } from '../restore-target.ts';
import { filterOptions, lockOptions } from '../snapshot-options.ts';

const options = {
  run: filterOptions.run,
  host: filterOptions.host,
  ...lockOptions,
  to: list('-t, --to <source=target>', 'restore this source into another folder or database'),
  leave: list('--leave <source>', 'leave this source as it is'),
  force: flag('--force', 'restore into places that are not empty'),
  dryRun: flag('-n, --dry-run', 'show what would be restored, and write nothing'),
};

type RecoverCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Brings back everything that a backup job keeps, as one of its runs stored it: of each source the snapshot of
that run, into the place that the configuration file names for it, or into the one that --to says.

The newest run that stored all of them whole is taken, or the one that --run names. It is looked for in the first repository
of the job, or in the one that -r names.

A place that is not empty is refused (status 15) unless --force is given. A source that fails does not stop the others.`,
  args: [{ usage: '<job>', text: 'a backup job of the configuration file' }],
  options,
  examples: [
    ['recover nightly --dry-run', 'what would come back, and of when'],
    ['recover nightly', 'everything, onto a machine that has nothing of it'],
    [
      'recover nightly --to shop=postgres://admin@new.internal/shop --to media=/srv/media-back --leave crm',
      'into other places, and not all of it',
    ],
  ],
  statuses: [3, 10, 11, 12, 13, 14, 15],
  async run(call) {
    const { options, global } = call;
    const config = await readConfig(call);
    const job = backupJob(jobNamed(config, call.args[0] ?? ''));
    const targets = targetsOf(call, config, job);
    const place = global.repository ?? job.to[0]?.repository ?? '';
    const repository = await chooseRepository(
      { ...call, global: { ...global, repository: place } },
      { config },
    );
    const lock = options.noLock ? 'none' : 'shared';
    const use = { lock, isOptional: true, readsIndex: true } as const;
    return await withRepository(repository, use, jobContext(call), (opened) =>
      recover(call, opened, job, targets),
    );
  },
});

type BackupJob = Extract<JobConfig, { readonly verb: 'backup' }>;

const backupJob = (job: JobConfig): BackupJob => {
  if (job.verb !== 'backup')
    throw new HoldfastError('USAGE', `${job.name} is no backup job: it does "${job.verb}"`, {
      hint: 'name the job that made the snapshots',
    });
  if (job.partial)
    throw new HoldfastError('USAGE', `${job.name} keeps changes, and no whole state`, {
      hint: 'name the job of the complete backups; a `receive` job brings changes in, too',
    });
  return job;
};

/** Where a source goes. */
interface Target {
  readonly config: SourceConfig;
  /** For people. */
  readonly text: string;
}

/** Of each source that is not left, in the job's order. */
const targetsOf = (
  { options, output }: RecoverCall,
  config: Config,
  { name, backup }: BackupJob,
): ReadonlyMap<string, Target> => {
  const known = (source: string, option: string): string => {
    if (backup.includes(source)) return source;
    const near = didYouMean(source, backup);
    throw new HoldfastError('USAGE', `${option}: ${name} does not back up "${source}"${near}`, {
      hint: `it backs up ${backup.join(', ')}`,
    });
  };
  const left = options.leave.map((source) => known(source, '--leave'));
  const others = new Map<string, string>();
  for (const text of options.to) {
    const [, source, to] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (source === undefined || to === undefined)
      throw new HoldfastError('USAGE', `--to ${withoutPassword(text)} is not of the form source=target`);
    if (others.has(source) || left.includes(source))
      throw new HoldfastError('USAGE', `"${source}" is named twice in --to and --leave`);
    warnOfPasswordIn(to, output);
    others.set(known(source, '--to'), to);
  }
  const sources = backup.filter((source) => !left.includes(source));
  if (sources.length === 0) throw new HoldfastError('USAGE', 'nothing is left to be restored');
  return new Map(
    sources.map((source): [string, Target] => {
      const own = sourceNamed(config, source);
      const to = others.get(source);
      if (to === undefined) return [source, { config: inItsPlace(own), text: placeText(own) }];
      return [source, { config: targetOf(to, own.kind === 'sqlite'), text: withoutPassword(to) }];
    }),
  );
};

const inItsPlace = (source: SourceConfig): SourceConfig => {
  const { paths } = source.toJSON();
  if (!Array.isArray(paths) || paths.length < 2) return source;
  throw new HoldfastError('USAGE', `${source.name} has several paths, and is restored into one folder`, {
    hint: `name one: --to ${source.name}=/a/folder; or leave it: --leave ${source.name}`,
  });
};

const recover = async (
  call: RecoverCall,
  repository: Repository,
  job: BackupJob,
  targets: ReadonlyMap<string, Target>,
): Promise<number> => {
  const { output, options } = call;
  const request = {
    ...{ job: job.name, sources: [...targets.keys()], run: options.run, host: options.host },
    hints: hintsFor(options.run),
  };
  const { run, time, snapshots } = choosePoint(await repository.snapshots(), request);
  output.say(
    { message_type: 'restore_point', job: job.name, run, time },
    `${job.name}: run ${run}, of ${formatTime(time)}`,
  );
  const ends: Ended[] = [];
  const missing = new Set(targets.keys());
  try {
    for (const [source, target] of targets) {
      const snapshot = snapshots.get(source);
      if (snapshot === undefined) continue;
      const end = await recoverSource(call, { repository, source, snapshot, target });
      ends.push(end);
      if (end.state !== 'failed') missing.delete(source);
    }
  } catch (error) {
    if (!options.dryRun) sayHowToGoOn(call, job, run, missing);
    throw error;
  }
  const { state, status } = together(ends);
  const whole = ends.filter((one) => one.state === 'ok').length;
  output.say(
    { message_type: 'summary', state, status, run, sources: ends.length, sources_restored: whole },
    `recover: ${whole} of ${plural(ends.length, 'source')} ${options.dryRun ? 'could be restored whole' : 'restored whole'}`,
  );
  if (missing.size > 0 && missing.size < ends.length && !options.dryRun)
    sayHowToGoOn(call, job, run, missing);
  return status;
};

/** With the same run: the newest that has the rest whole may be another one, of another moment. */
const sayHowToGoOn = (
  { output, options }: RecoverCall,
  { name, backup }: BackupJob,
  run: string,
  missing: ReadonlySet<string>,
): void => {
  const rest = backup.filter((source) => !missing.has(source));
  const hint = ['holdfast recover', name, '--run', run, ...rest.flatMap((source) => ['--leave', source])];
  const places = options.to.length > 0 ? ', with the same --to for what is missing' : '';
  output.warn(`${[...missing].join(', ')} did not come back whole`, `to go on: ${hint.join(' ')}${places}`);
};

interface Recovering {
  readonly repository: Repository;
  readonly source: string;
  readonly snapshot: Snapshot;
  readonly target: Target;
}

const recoverSource = async (
  call: RecoverCall,
  { repository, source, snapshot, target }: Recovering,
): Promise<Ended> => {
  const { output, options, clock, signal } = call;
  const id = shortId(snapshot.id);
  const own = { source, snapshot_id: snapshot.id };
  const text = `snapshot ${id} (${source})`;
  const what = (message_type: string, more = {}): Restored['fields'] => ({ message_type, ...own, ...more });
  await warnIfNotGood(call, repository, snapshot);
  const request: RestoreRequest = {
    ...{ repository, snapshot, target: target.config, rename: [], force: options.force },
    wanted: { paths: [], tables: [] },
  };
  try {
    const context = jobContext(call);
    const plan = await planRestore(request, context);
    if (options.dryRun) {
      rehearse(target.config, options.force);
      const would = what('would_recover', { target: target.text });
      return endOf(showPlan(output, { fields: would, text: `${text} to ${target.text}` }, plan));
    }
    const startedAt = clock.now().getTime();
    const report = await restoreSnapshot(request, plan, context);
    const ms = clock.now().getTime() - startedAt;
    const did = { fields: what('recovered'), text };
    return endOf(showRestored(output, did, report, { target: target.text, ms }));
  } catch (error) {
    throwIfCancelled(signal);
    output.progressDone();
    const told = what('recover_failed', errorFields(asError(error)));
    output.failure(told, `${source}: ${messageOf(error)}`, hintOf(error));
    return failed(error);
  }
};

const hintsFor = (run: string | undefined): PointHints => ({
  empty: 'is it the right one? -r names another',
  host: (newest) => `say which: --host ${newest}`,
  lacking(newest, lacks) {
    const leave = lacks.map((source) => `--leave ${source}`).join(' ');
    return run === undefined
      ? `the newest, ${newest?.run}, ${shortcoming(lacks)}: take it as it is with --run ${newest?.run} ${leave}`.trimEnd()
      : `leave out what it lacks: ${leave}`;
  },
});

const endOf = (status: number): Ended => (status === 0 ? ok : partial);

/** What there is to be seen of a refusal to come, without asking the servers. */
const rehearse = (target: SourceConfig, force: boolean): void => {
  for (const secret of secretsIn(target)) secret.reveal();
  const full = force ? undefined : fullFolder(target);
  if (full !== undefined)
    throw new HoldfastError('TARGET_NOT_EMPTY', `${printable(full)} is not empty`, {
      hint: hintForFullFolder,
    });
};
