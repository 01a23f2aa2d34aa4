// holdfast purge: exported files that were taken away.
import { type PurgeRun, rulesOrThrow, runPurge } from '#jobs/export/purge.ts';
import { together } from '#jobs/run-outcome.ts';
import { durationMs } from '#lib/duration.ts';
import { plural } from '#lib/format.ts';
import { catalogIfAny } from '../catalog-use.ts';
import { defineCommand, flag } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { readConfig } from '../read-config.ts';
import { exportJobs } from './export.ts';

export const command = defineCommand({
  description: `Removes files that export jobs made, as soon as they were taken away as the job's "purge" has it: another program
has them in its store, they are old enough, or Holdfast has shipped them. A file that was changed since it was
exported stays, and so does everything that Holdfast did not export.`,
  args: [{ usage: '[job...]', text: 'names of export jobs; all without any' }],
  options: { dryRun: flag('-n, --dry-run', 'say what would be removed, and remove nothing') },
  examples: [['purge alarms', 'when the other program is done']],
  onRepository: 'of-jobs',
  statuses: [3, 14],
  async run(call) {
    const { output, args, options } = call;
    const config = await readConfig(call);
    using catalog = catalogIfAny(config, call);
    const context = { ...jobContext(call), catalog };
    const runs: PurgeRun[] = [];
    for (const job of exportJobs(args, config)) {
      if (args.length === 0 && job.purge === undefined) continue;
      const { olderThan, ...rules } = rulesOrThrow(job.name, job.purge);
      const age = olderThan !== undefined && { olderThanMs: durationMs(olderThan) };
      const task = { job: job.name, to: job.to, rules: { ...rules, ...age }, dryRun: options.dryRun };
      const run = await runPurge(task, context);
      const count = (state: string): number =>
        run.verdicts.filter((verdict) => verdict.state === state).length;
      const would = options.dryRun ? 'would be ' : '';
      output.say(
        {
          message_type: 'run_done',
          name: job.name,
          state: run.state,
          dry_run: options.dryRun,
          removed: count('removed'),
          gone: count('gone'),
          kept: count('kept'),
          failed: count('failed'),
        },
        `${job.name}: ${plural(count('removed'), 'file')} ${would}removed, ${count('kept')} kept${count('gone') > 0 ? `, ${count('gone')} gone already` : ''}${count('failed') > 0 ? `, ${count('failed')} failed` : ''}`,
      );
      runs.push(run);
    }
    const { state, status } = together(runs);
    output.say({ message_type: 'summary', state, status }, undefined);
    return status;
  },
});
