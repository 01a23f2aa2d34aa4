// The health in one line, with figures: https://nagios-plugins.org/doc/guidelines.html

import type { Site } from '#jobs/console/sites.ts';
import type { Health, SourceHealth } from '#jobs/health/health.ts';
import { flawsOf } from '#jobs/health/judge.ts';
import { messageOf } from '#lib/errors.ts';
import { formatAge, plural } from '#lib/format.ts';
import type { Call } from './command.ts';

export interface NagiosStatus {
  readonly status: 0 | 1 | 2 | 3;
  readonly text: string;
}

const words = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/** For a monitor that asks: what was found out, or why nothing could be. */
export const answerNagios = async (
  { output, signal }: Pick<Call, 'output' | 'signal'>,
  find: () => Promise<{ readonly status: NagiosStatus; readonly line: string }>,
): Promise<number> => {
  try {
    const { status, line } = await find();
    await output.result({ message_type: 'summary', ...status }, line);
    return status.status;
  } catch (error) {
    if (signal.aborted) throw error;
    const unknown: NagiosStatus = { status: 3, text: messageOf(error) };
    await output.result({ message_type: 'summary', ...unknown }, nagiosWords(unknown));
    return unknown.status;
  }
};

/** What is worst, named; and how bad it is. */
export const nagiosStatus = (health: Health): NagiosStatus => {
  const { critical, warning } = flawsOf(health);
  if (critical.length > 0) return { status: 2, text: [...critical, ...warning].join('; ') };
  if (warning.length > 0) return { status: 1, text: warning.join('; ') };
  // Without its configuration file, as when another user asks, nothing would ever be wrong.
  if (health.jobs.length + health.sources.length === 0)
    return {
      status: 3,
      text: 'no job is configured and none ever ran: name the configuration with --config',
    };
  return { status: 0, text: wellText(health) };
};

/** 'HOLDFAST OK - 2 jobs, 3 sources; the oldest good snapshot is of 5 h ago | …'. */
export const nagiosLine = (health: Health): string => {
  const figures = health.sources.flatMap((source) => figureOf(source, health));
  return `${nagiosWords(nagiosStatus(health))}${figures.length > 0 ? ` | ${figures.join(' ')}` : ''}`;
};

/** 'HOLDFAST OK - 3 sites', 'HOLDFAST CRITICAL - north: …'. */
export const nagiosOfSites = (sites: readonly Site[]): NagiosStatus => {
  if (sites.length === 0) return { status: 3, text: 'no site has told anything yet' };
  const bad = sites.filter(({ state }) => state !== 'well');
  if (bad.length === 0) return { status: 0, text: plural(sites.length, 'site') };
  const text = bad.map(({ site, flaws }) => `${site}: ${flaws[0] ?? ''}`).join('; ');
  return { status: bad.some(({ isCritical }) => isCritical) ? 2 : 1, text };
};

/** A bar begins the figures, and a line break ends the line. */
export const nagiosWords = ({ status, text }: NagiosStatus): string =>
  `HOLDFAST ${words[status]} - ${text.replaceAll('|', '/').replaceAll(/\s*\n\s*/g, ' ')}`;

const wellText = ({ jobs, sources, at }: Health): string => {
  const times = sources.flatMap(({ good }) => (good ? [good.time.getTime()] : []));
  const oldest =
    times.length > 0 ? `; the oldest good snapshot is of ${formatAge(new Date(Math.min(...times)), at)}` : '';
  return `${plural(jobs.length, 'job')}, ${plural(sources.length, 'source')}${oldest}`;
};

/** The age, and after two semicolons the age at which it is critical. */
const figureOf = (figured: SourceHealth, { sources, at }: Health): string[] => {
  const { source, repository, job, good, needed } = figured;
  if (good === undefined) return [];
  const ageOf = (time: Date): number => Math.round((at.getTime() - time.getTime()) / 1000);
  // A monitor takes two figures of one name for one.
  const same = sources.filter((other) => other.source === source && other.repository === repository);
  const ofJob = same.length > 1 ? `, ${job}` : '';
  return [`'${source} in ${repository}${ofJob}'=${ageOf(good.time)}s;;${needed ? ageOf(needed) : ''};0`];
};
