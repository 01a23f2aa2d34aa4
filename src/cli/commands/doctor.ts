// holdfast doctor: can every job work?
import { type Config, jobNamed, loadConfig } from '#config/config.ts';
import type { Diagnosis } from '#jobs/doctor/diagnosis.ts';
import { type DoctorReport, examine, type JobVerdict } from '#jobs/doctor/doctor.ts';
import { asError } from '#lib/errors.ts';
import { plural, printable } from '#lib/format.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand } from '../command.ts';
import { jobContext } from '../job-context.ts';

export const command = defineCommand({
  description: `Tries everything that the named jobs need, or all jobs: every source is reached and looked at, every store written,
read and removed from, every repository opened and locked, every notifier reached, programs, clocks, free space and
leftovers checked. Each finding comes with what to do. What is stored for a try is removed at once.

The exit status is 0 when every job can work, 3 when some can, and 1 when none can; warnings do not change it.
Fit for cron or a systemd timer, every hour; \`hooks: { before: holdfast doctor nightly }\` keeps a job from starting in vain.`,
  args: [{ usage: '[job...]', text: 'only what these jobs need' }],
  options: {},
  examples: [
    ['doctor', 'all there is'],
    ['doctor nightly -q', 'one job, and nothing said when all is well'],
  ],
  onRepository: 'of-jobs',
  statuses: [3],
  async run(call) {
    const { output, args } = call;
    const config = await loadConfig(call.global.config, call.env);
    const jobs = args.length > 0 ? args.map((name) => jobNamed(config, name)) : [...config.jobs.values()];
    const catalog = catalogOrError(config, call);
    const all = args.length === 0;
    const told: Diagnosis[] = [];
    try {
      const report = await examine({ config, jobs, all, catalog }, jobContext(call), (diagnosis) => {
        if (output.json) output.say({ message_type: 'diagnosis', ...diagnosis }, undefined);
        told.push(diagnosis);
      });
      if (!output.json) await showTable(call, report);
      return summarize(call, report);
    } finally {
      if (!(catalog instanceof Error)) catalog[Symbol.dispose]();
    }
  },
});

const catalogOrError = (config: Config, call: Call): ReturnType<typeof catalogOf> | Error => {
  try {
    return catalogOf(config, call);
  } catch (error) {
    return asError(error);
  }
};

/** Quietly, only what is not as it should be. */
const showTable = async ({ output }: Call, { diagnoses }: DoctorReport): Promise<void> => {
  const shown = output.verbosity === 'quiet' ? diagnoses.filter(({ level }) => level !== 'ok') : diagnoses;
  if (shown.length === 0) return;
  await output.table(
    [{ title: '' }, { title: 'What' }, { title: 'How it is' }],
    shown.map(({ level, subject, message }) => [level, subject, message]),
  );
  const hints = shown.filter(({ hint }) => hint !== undefined);
  if (hints.length === 0) return;
  await output.heading('What to do');
  for (const { subject, hint = '' } of hints)
    await output.result(undefined, `${subject}: ${printable(hint)}`);
};

const summarize = ({ output }: Call, { diagnoses, jobs }: DoctorReport): number => {
  const stuck = jobs.filter(({ obstacles }) => obstacles.length > 0);
  for (const { job, obstacles } of stuck)
    output.failure(
      { message_type: 'job', job, works: false, obstacles },
      `${job} cannot work: see ${obstacles.join(', ')}`,
    );
  const count = (level: Diagnosis['level']): number => diagnoses.filter((one) => one.level === level).length;
  const isBlind = diagnoses.some(({ level, subject }) => level === 'error' && subject === 'console');
  const status = statusOf(jobs, stuck, isBlind);
  output.say(
    {
      message_type: 'summary',
      status,
      jobs: jobs.length,
      stuck: stuck.length,
      errors: count('error'),
      warnings: count('warning'),
    },
    stuck.length === 0
      ? `${jobs.length === 1 ? 'the job' : `all ${jobs.length} jobs`} can work; ${plural(count('warning'), 'warning')}`
      : `${plural(stuck.length, 'job')} of ${jobs.length} cannot work`,
  );
  return status;
};

/** A console that cannot look at its sites is one more thing that cannot work. */
const statusOf = (jobs: readonly JobVerdict[], stuck: readonly JobVerdict[], isBlind: boolean): number => {
  if (stuck.length === 0 && !isBlind) return 0;
  return stuck.length === jobs.length ? 1 : 3;
};
