// The health in one line, with figures: https://nagios-plugins.org/doc/guidelines.html
import type { Health, SourceHealth } from '#jobs/health/health.ts';
import { formatLag } from '#jobs/receive/lag.ts';
import { formatAge, plural } from '#lib/format.ts';

export interface NagiosStatus {
  readonly status: 0 | 1 | 2;
  readonly text: string;
}

const words = ['OK', 'WARNING', 'CRITICAL'] as const;

/** What is worst, named; and how bad it is. */
export const nagiosStatus = (health: Health): NagiosStatus => {
  const critical = criticalTexts(health);
  const warning = warningTexts(health);
  if (critical.length > 0) return { status: 2, text: [...critical, ...warning].join('; ') };
  if (warning.length > 0) return { status: 1, text: warning.join('; ') };
  return { status: 0, text: wellText(health) };
};

/** 'HOLDFAST OK - 2 jobs, 3 sources; the oldest good snapshot is of 5 h ago | …'. */
export const nagiosLine = (health: Health): string => {
  const { status, text } = nagiosStatus(health);
  // A bar begins the figures, and a line break ends the line.
  const safe = text.replaceAll('|', '/').replaceAll(/\s*\n\s*/g, ' ');
  const figures = health.sources.flatMap((source) => figureOf(source, health.at));
  return `HOLDFAST ${words[status]} - ${safe}${figures.length > 0 ? ` | ${figures.join(' ')}` : ''}`;
};

const criticalTexts = ({ jobs, sources, repositories, receivers }: Health): string[] => [
  ...repositories.flatMap(({ repository, error }) =>
    error === undefined ? [] : [`repository ${repository}: ${error}`],
  ),
  ...sources.flatMap(({ source, repository, state }) =>
    state === 'late' || state === 'none'
      ? [`${source} in ${repository}: ${state === 'late' ? 'too old' : 'no good snapshot'}`]
      : [],
  ),
  ...receivers.flatMap(({ into, lagMs, well, failure }) => {
    const why = failure ? `: ${failure.error.message}` : '';
    const standing = lagMs === undefined ? 'has received nothing' : `is ${formatLag(lagMs)} behind`;
    return well ? [] : [`${into} ${standing}${why}`];
  }),
  ...jobs.flatMap(({ job, well, missed, last }) =>
    well || (last?.state === 'partial' && !missed)
      ? []
      : [
          `job ${job}: ${missed ? 'missed' : last?.state === 'succeeded' ? 'too long ago' : (last?.state ?? 'never ran')}`,
        ],
  ),
];

const warningTexts = ({ jobs, sources, repositories, notifiers }: Health): string[] => [
  ...sources.flatMap(({ source, repository, state }) =>
    state === 'partial' || state === 'suspicious' ? [`${source} in ${repository}: ${state}`] : [],
  ),
  ...jobs.flatMap(({ job, well, missed, last }) =>
    !well && !missed && last?.state === 'partial' ? [`job ${job}: partial`] : [],
  ),
  ...repositories.flatMap(({ repository, shortage }) =>
    shortage === undefined ? [] : [`repository ${repository} ${shortage}`],
  ),
  ...notifiers.flatMap(({ notifier, last }) => (last.error ? [`notifier ${notifier} does not work`] : [])),
];

const wellText = ({ jobs, sources, at }: Health): string => {
  const times = sources.flatMap(({ good }) => (good ? [good.time.getTime()] : []));
  const oldest =
    times.length > 0 ? `; the oldest good snapshot is of ${formatAge(new Date(Math.min(...times)), at)}` : '';
  return `${plural(jobs.length, 'job')}, ${plural(sources.length, 'source')}${oldest}`;
};

/** The age, and after two semicolons the age at which it is critical. */
const figureOf = ({ source, repository, good, needed }: SourceHealth, now: Date): string[] => {
  if (good === undefined) return [];
  const ageOf = (time: Date): number => Math.round((now.getTime() - time.getTime()) / 1000);
  return [`'${source} in ${repository}'=${ageOf(good.time)}s;;${needed ? ageOf(needed) : ''};0`];
};
