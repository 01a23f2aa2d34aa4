// holdfast status: how each job stands.
import type { JobStatus } from '#catalog/run.ts';
import type { Config } from '#config/config.ts';
import { catalogOf } from './catalog-use.ts';
import { defineCommand } from './command.ts';
import { showProofs } from './drill-status.ts';
import { formatAge, plural } from './output-format.ts';
import { configIfAny } from './repository-choice.ts';
import { runFields } from './runs.ts';

export const command = defineCommand({
  description: `Shows how each job stands: how its last run ended, and when it last succeeded.
Jobs of the configuration file that never ran are shown too.

The exit status is 1 when the last run of any job did not succeed, or a job never ran: fit for a monitor.`,
  args: [],
  options: {},
  examples: [['status', 'a line for each job']],
  onRepository: false,
  statuses: [],
  async run(call) {
    const { output, clock } = call;
    const config = await configIfAny(call);
    using catalog = catalogOf(config, call);
    const standings = standingsOf(catalog.status(), config);
    const now = clock.now();
    if (output.json) for (const standing of standings) await output.result(fieldsOf(standing), undefined);
    else if (standings.length > 0)
      await output.table(
        [{ title: 'Job' }, { title: 'Last run' }, { title: '' }, { title: 'Last success' }, { title: '' }],
        standings.map((standing) => rowOf(standing, now)),
      );
    await showProofs(output, catalog.drills.proofs(), now);
    const bad = standings.filter((standing) => !isWell(standing)).length;
    output.say(
      { message_type: 'summary', jobs: standings.length, not_well: bad },
      standings.length === 0 ? 'no jobs' : bad === 0 ? 'all is well' : `${plural(bad, 'job')} not well`,
    );
    return bad > 0 ? 1 : 0;
  },
});

/** A job that is in the file, or once ran. */
type Standing = Pick<JobStatus, 'job'> & Partial<JobStatus>;

const standingsOf = (ran: readonly JobStatus[], config: Config | undefined): Standing[] => {
  if (config === undefined) return [...ran];
  return [...config.jobs.keys()].map((job) => ran.find((status) => status.job === job) ?? { job });
};

const isWell = ({ last, lastSuccess }: Standing): boolean =>
  last?.state === 'succeeded' || (last?.state === 'running' && lastSuccess !== undefined);

const rowOf = ({ job, last, lastSuccess }: Standing, now: Date): string[] => [
  job,
  last?.state ?? 'never ran',
  last ? formatAge(last.startedAt, now) : '',
  lastSuccess ? formatAge(lastSuccess.startedAt, now) : last ? 'never' : '',
  last && 'error' in last && last.error ? last.error.message : '',
];

const fieldsOf = (standing: Standing) => ({
  message_type: 'job',
  job: standing.job,
  well: isWell(standing),
  last: standing.last && runFields(standing.last),
  last_success: standing.lastSuccess && runFields(standing.lastSuccess),
});
