// holdfast backup: jobs of the configuration file, or what the command line names.
import { type Config, type JobConfig, jobNamed } from '#config/config.ts';
import { canBeHeld } from '#jobs/begin-source.ts';
import { runBackup } from '#jobs/run-backup.ts';
import { isOriginTag } from '#jobs/snapshot-choice.ts';
import { HoldfastError } from '#lib/errors.ts';
import { whoCan } from '#sources/abilities.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { adhocSources, fileOptions, givenFileOptions } from '../adhoc-sources.ts';
import { reportBackup } from '../backup-report.ts';
import { catalogIfAny } from '../catalog-use.ts';
import { type Call, defineCommand, flag, list, type OptionSpecs, value } from '../command.ts';
import { isPlace } from '../given.ts';
import { jobContext } from '../job-context.ts';
import { chooseRepository, configIfAny } from '../repository-choice.ts';
import { refuseRepository } from '../repository-refusal.ts';

const options = {
  tag: list('--tag <tag>', 'give the snapshots this tag'),
  name: value('--name <name>', 'call the one source that is named so'),
  dryRun: flag('-n, --dry-run', 'read everything, say what would be stored, store nothing'),
  together: flag('--together', 'take the states of all databases at once, before any of them is read'),
  ...fileOptions,
};

type BackupCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Runs the backup jobs that are named, or all of the configuration file.

With URLs or folders instead of jobs, each of them becomes a source, named after its database or folder, and gets
one snapshot in the repository that -r names. A source of the configuration file can be named, too.

A source that fails does not stop the others. What could not be read is named, and the exit status says so.`,
  args: [{ usage: '[what...]', text: 'jobs, or URLs, folders and sources' }],
  options,
  examples: [
    ['backup nightly', 'the job of that name in holdfast.yaml'],
    ['-r /backups backup postgres://db.internal/shop /srv/media', 'a database and a folder'],
    [
      "-r /backups backup /home --exclude '*.tmp' --exclude-caches --tag before-upgrade",
      'a folder, not all of it',
    ],
  ],
  statuses: [3, 10, 11, 12, 13, 14],
  async run(call) {
    checkTags(call.options.tag);
    const config = await configIfAny(call);
    const jobs = config && jobsOf(call, config);
    if (config === undefined || jobs === undefined) return await backUpNamed(call, config);
    refuseSourceOptions(call);
    const { tag: tags, dryRun } = call.options;
    const { runJobs } = await import('../run-jobs.ts'); // with all that a job of a file has around it
    return await runJobs(call, config, jobs, { tags, dryRun });
  },
});

const backUpNamed = async (call: BackupCall, config: Config | undefined): Promise<number> => {
  const { args, options, output } = call;
  if (args.length === 0)
    throw new HoldfastError('USAGE', 'nothing to back up is named', {
      hint: 'name URLs or folders, or write a holdfast.yaml with jobs',
    });
  const sources = adhocSources(args, options, config, output);
  const repository = await chooseRepository(call, { config });
  using catalog = catalogIfAny(config, call);
  const { tag: tags, dryRun, together } = options;
  requireHolder(options, sources);
  const task = { sources, repositories: [{ repository }], tags, dryRun, together };
  const run = await runBackup(task, { ...jobContext(call), catalog });
  reportBackup(output, 'backup', run, 'summary');
  return run.status;
};

/** The jobs that are meant, or undefined when the words name sources. */
const jobsOf = ({ args, global }: BackupCall, config: Config): JobConfig[] | undefined => {
  const named = args.filter((word) => !isPlace(word) && config.jobs.has(word));
  if (args.length > 0 && named.length === 0) return undefined;
  refuseRepository(global, `a job (${named[0] ?? 'all of them, when none is named'})`);
  const [stranger] = args.filter((word) => !named.includes(word));
  if (stranger !== undefined)
    throw new HoldfastError('USAGE', `${named[0]} is a job, and ${stranger} is not`, {
      hint: 'name jobs only, or sources only',
    });
  return named.length > 0 ? named.map((name) => backupJob(jobNamed(config, name))) : allBackups(config);
};

const backupJob = (job: JobConfig): JobConfig => {
  if (job.verb === 'backup') return job;
  throw new HoldfastError('USAGE', `${job.name} is no backup job: it does "${job.verb}"`, {
    hint: `\`holdfast run ${job.name}\` runs any job`,
  });
};

const allBackups = (config: Config): JobConfig[] => {
  const jobs = [...config.jobs.values()].filter(({ verb }) => verb === 'backup');
  if (jobs.length > 0) return jobs;
  throw new HoldfastError('USAGE', `${config.file} has no backup job`, {
    hint: 'write one, or name URLs, folders or sources to back up',
  });
};

/** Restic separates tags by commas, and some say where a snapshot comes from. */
const checkTags = (tags: readonly string[]): void => {
  const bad = tags.find(
    (tag) =>
      tag === '' || tag.includes(',') || isOriginTag(tag) || /^(partial|suspicious|accepted)$/.test(tag),
  );
  if (bad !== undefined)
    throw new HoldfastError('USAGE', `"${bad}" cannot be a tag`, {
      hint: 'a tag has no comma (say --tag once for each), and is not one that Holdfast itself gives (source:…, kind:…, job:…, run:…, place:…, partial, suspicious, accepted)',
    });
};

const requireHolder = (
  { together }: Pick<BackupCall['options'], 'together'>,
  sources: readonly SourceConfig[],
): void => {
  if (together && !sources.some(canBeHeld))
    throw new HoldfastError('USAGE', '--together is for sources whose state can be held, and none is named', {
      hint: `those are of kind ${whoCan('moment').join(', ')}`,
    });
};

const refuseSourceOptions = ({ options }: BackupCall): void => {
  if (options.together)
    throw new HoldfastError('USAGE', '--together is not for jobs', {
      hint: 'write `together: true` into the configuration file, at the job',
    });
  if (options.name !== undefined || Object.keys(givenFileOptions(options)).length > 0)
    throw new HoldfastError('USAGE', '--name and the --exclude options are not for jobs', {
      hint: 'write them into the configuration file, at the source',
    });
};
