// holdfast mirror: mirror jobs, now; and how their files stand.
import { type Config, type JobConfig, jobNamed } from '#config/config.ts';
import { csvOfStatuses } from '#jobs/mirror/status-csv.ts';
import type { MirrorMode } from '#jobs/mirror/work.ts';
import { HoldfastError } from '#lib/errors.ts';
import { catalogIfAny } from '../catalog-use.ts';
import { type Call, defineCommand, flag, type OptionSpecs, type OptionValues } from '../command.ts';
import { readConfig } from '../read-config.ts';
import { runJobs } from '../run-jobs.ts';

const options = {
  rerun: flag('--rerun', 'try all files that are not OK yet, however old'),
  verify: flag('--verify', 'copy nothing: compare each copy that is OK with what was written'),
  statuses: flag('--statuses', 'do nothing: print the status of each file as CSV'),
};

export const command = defineCommand({
  description: `Runs the mirror jobs that are named, or all of the configuration file: files that are listed since the last run get a
copy of the same name, which is read back and compared. A file is OK, FAIL_READ or FAIL_WRITE, and stays so until a
later run says otherwise.`,
  args: [{ usage: '[job...]', text: 'names of mirror jobs' }],
  options,
  examples: [
    ['mirror dataverse', 'files that are new'],
    ['mirror --rerun dataverse', 'and those that failed, or that were overlooked'],
    ['mirror --verify dataverse', 'see whether the copies are still what they were'],
    ['mirror --statuses dataverse > statuses.csv', 'one line a file'],
  ],
  onRepository: 'of-jobs',
  statuses: [3, 4, 13, 14],
  async run(call) {
    const config = await readConfig(call);
    const jobs = mirrorJobs(call.args, config);
    const mirror = modeOf(call.options);
    if (mirror === 'statuses') return await printStatuses(call, config, jobs);
    return await runJobs(call, config, jobs, { tags: [], dryRun: false, mirror });
  },
});

const modeOf = ({ rerun, verify, statuses }: OptionValues<typeof options>): MirrorMode | 'statuses' => {
  if (Number(rerun) + Number(verify) + Number(statuses) > 1)
    throw new HoldfastError('USAGE', '--rerun, --verify and --statuses are three different things', {
      hint: 'give one of them',
    });
  if (statuses) return 'statuses';
  if (rerun) return 'rerun';
  return verify ? 'verify' : 'new';
};

type MirrorJob = Extract<JobConfig, { verb: 'mirror' }>;

/** The mirror jobs of these names, or all. USAGE when one does something else, or there is none. */
const mirrorJobs = (names: readonly string[], config: Config): MirrorJob[] => {
  const all = [...config.jobs.values()].filter((job) => job.verb === 'mirror');
  if (names.length === 0 && all.length === 0)
    throw new HoldfastError('USAGE', `${config.file} has no mirror job`, {
      hint: 'docs/mirror.md shows one',
    });
  if (names.length === 0) return all;
  return names.map((name) => {
    const job = jobNamed(config, name);
    if (job.verb === 'mirror') return job;
    throw new HoldfastError('USAGE', `${name} is no mirror job: it does "${job.verb}"`);
  });
};

const printStatuses = async (
  call: Call<OptionSpecs & typeof options>,
  config: Config,
  jobs: readonly MirrorJob[],
): Promise<number> => {
  using catalog = catalogIfAny(config, call);
  if (!catalog) throw new HoldfastError('FAILED', 'there is no catalog that remembers statuses');
  for (const part of csvOfStatuses(
    catalog.mirrors,
    jobs.map(({ name }) => name),
  ))
    await call.output.text(part);
  return 0;
};
