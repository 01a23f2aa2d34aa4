// holdfast export: export jobs, now.
import { type Config, type JobConfig, jobNamed } from '#config/config.ts';
import { HoldfastError } from '#lib/errors.ts';
import { defineCommand } from '../command.ts';
import { readConfig } from '../read-config.ts';
import { runJobs } from '../run-jobs.ts';

export const command = defineCommand({
  description: `Runs the export jobs that are named, or all of the configuration file: rows that were not exported yet become
CSV or JSON files, each row in exactly one of them.`,
  args: [{ usage: '[job...]', text: 'names of export jobs' }],
  options: {},
  examples: [
    ['export alarms', 'before another program takes the files away; `purge` removes them afterwards'],
  ],
  onRepository: 'of-jobs',
  statuses: [3, 13, 14],
  async run(call) {
    const config = await readConfig(call);
    const jobs = exportJobs(call.args, config);
    return await runJobs(call, config, jobs, { tags: [], dryRun: false });
  },
});

type ExportJob = Extract<JobConfig, { verb: 'export' }>;

/** The export jobs of these names, or all. USAGE when one does something else, or there is none. */
export const exportJobs = (names: readonly string[], config: Config): ExportJob[] => {
  const all = [...config.jobs.values()].filter((job) => job.verb === 'export');
  if (names.length === 0 && all.length === 0)
    throw new HoldfastError('USAGE', `${config.file} has no export job`, {
      hint: 'docs/export.md shows one',
    });
  if (names.length === 0) return all;
  return names.map((name) => {
    const job = jobNamed(config, name);
    if (job.verb === 'export') return job;
    throw new HoldfastError('USAGE', `${name} is no export job: it does "${job.verb}"`);
  });
};
