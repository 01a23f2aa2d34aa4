// holdfast run: any job of the configuration file, now.

import { type JobConfig, jobNamed } from '#config/config.ts';
import { HoldfastError } from '#lib/errors.ts';
import { type Call, defineCommand, type OptionSpecs, value } from '../command.ts';
import { readConfig } from '../read-config.ts';
import { runJobs } from '../run-jobs.ts';

const options = {
  due: value(
    '--due <time>',
    'the due time this run is for: when it has had its run already, nothing is done',
  ),
  covers: value('--covers <count>', 'how many due times it stands for (default: 1)'),
};

export const command = defineCommand({
  description: `Runs jobs of the configuration file one after the other, whatever they do (backup, archive, export, check and so on).
A job that fails does not stop those after it; the exit status is that of a failure when all failed, and 3 when some did.

A job never runs beside itself: while another process runs it, this one does nothing, or waits with \`overlap: wait\`.
Fit for cron and systemd timers; the daemon runs jobs in the same way, and tells each for which due time it runs.`,
  args: [{ usage: '<job...>', text: 'names of jobs' }],
  options,
  examples: [
    ['run nightly weekly-check', 'two jobs, one after the other'],
    ['run -q nightly', 'in a crontab: says something only when something is wrong'],
  ],
  onRepository: 'of-jobs',
  statuses: [3, 4, 10, 11, 12, 13, 14],
  async run(call) {
    const config = await readConfig(call);
    const jobs: JobConfig[] = call.args.map((name) => jobNamed(config, name));
    return await runJobs(call, config, jobs, { tags: [], dryRun: false, ...scheduledAs(call) });
  },
});

const scheduledAs = ({ options: { due, covers } }: Call<OptionSpecs & typeof options>) => {
  if (due === undefined) return {};
  const time = new Date(due);
  if (Number.isNaN(time.getTime()))
    throw new HoldfastError('USAGE', `--due ${due} is not a time such as 2026-11-21T03:30:00Z`);
  const count = Number(covers ?? 1);
  if (!Number.isInteger(count) || count < 1)
    throw new HoldfastError('USAGE', `--covers ${covers} is not a number of due times`);
  return { due: time, covers: count };
};
