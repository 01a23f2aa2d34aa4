// holdfast schedule: when each job runs next.
import { catalogPath } from '#catalog/catalog-path.ts';
import { openDueTimes } from '#catalog/due-times.ts';
import { nextStart, type ScheduledJob, scheduledJob, scheduleKey } from '#jobs/schedule.ts';
import { formatTime, plural } from '#lib/format.ts';
import { defineCommand } from '../command.ts';
import { readConfig } from '../read-config.ts';

export const command = defineCommand({
  description: `Shows when each job that has a schedule runs next, as the daemon runs it. "now" is one that is due: the daemon
starts it as soon as it may.`,
  args: [],
  options: {},
  examples: [['schedule', 'a line for each job with a schedule']],
  onRepository: false,
  statuses: [],
  async run(call) {
    const { output, env, clock } = call;
    const config = await readConfig(call);
    const jobs = [...config.jobs.values()].flatMap(scheduledJob);
    const catalog = catalogPath(config.catalog, env);
    const now = clock.now();
    using dueTimes = openDueTimes(catalog, (text) => output.warn(text), clock);
    const nexts = jobs.map((job) => {
      const since = dueTimes.since(job.name, scheduleKey(job)) ?? now;
      return { job, next: nextStart(job, { since, last: dueTimes.last(job.name) }, now) };
    });
    if (output.json)
      for (const { job, next } of nexts)
        await output.result({ message_type: 'scheduled', next: next ?? null, ...job }, undefined);
    else if (nexts.length > 0)
      await output.table(
        [{ title: 'Job' }, { title: 'Does' }, { title: 'When' }, { title: 'Next' }],
        nexts.map(({ job, next }) => [job.name, job.verb, textOf(job), timeOf(next, now)]),
      );
    const { daemon, logs } = config;
    const notifiers = config.notifiers.size;
    const bulletins = config.bulletins !== undefined;
    const orders = config.orders !== undefined;
    output.say(
      { message_type: 'summary', jobs: jobs.length, catalog, daemon, logs, notifiers, bulletins, orders },
      jobs.length === 0 ? `${plural(config.jobs.size, 'job')}, none with a schedule` : undefined,
    );
    return 0;
  },
});

const textOf = ({ schedule }: ScheduledJob): string => {
  const zone = 'timeZone' in schedule && schedule.timeZone ? ` (${schedule.timeZone})` : '';
  const jitter = schedule.jitter ? `, up to ${schedule.jitter} later` : '';
  return `${'cron' in schedule ? schedule.cron : `every ${schedule.every}`}${zone}${jitter}`;
};

const timeOf = (next: Date | undefined, now: Date): string => {
  if (next === undefined) return 'never';
  return next <= now ? 'now' : formatTime(next);
};
