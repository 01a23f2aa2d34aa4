// holdfast run: any job of the configuration file, now.
import { type JobConfig, jobNamed, loadConfig } from '#config/config.ts';
import { defineCommand } from './command.ts';
import { runJobs } from './run-jobs.ts';

export const command = defineCommand({
  description: `Runs jobs of the configuration file one after the other, whatever they do (backup, check).
A job that fails does not stop those after it; the exit status is that of a failure when all failed, and 3 when some did.`,
  args: [{ usage: '<job...>', text: 'names of jobs' }],
  options: {},
  examples: [['run nightly weekly-check', 'two jobs, one after the other']],
  onRepository: 'of-jobs',
  statuses: [3, 10, 11, 12, 13, 14],
  async run(call) {
    const config = await loadConfig(call.global.config, call.env);
    for (const warning of config.warnings) call.output.warn(warning);
    const jobs: JobConfig[] = call.args.map((name) => jobNamed(config, name));
    return await runJobs(call, config, jobs, { tags: [], dryRun: false });
  },
});
