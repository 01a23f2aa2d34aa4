// The health in one line, with figures: https://nagios-plugins.org/doc/guidelines.html
import type { Health, SourceHealth } from '#jobs/health/health.ts';
import { flawsOf } from '#jobs/health/judge.ts';
import { formatAge, plural } from '#lib/format.ts';

export interface NagiosStatus {
  readonly status: 0 | 1 | 2;
  readonly text: string;
}

const words = ['OK', 'WARNING', 'CRITICAL'] as const;

/** What is worst, named; and how bad it is. */
export const nagiosStatus = (health: Health): NagiosStatus => {
  const { critical, warning } = flawsOf(health);
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
