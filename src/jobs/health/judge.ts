// What of the health is not well, for whoever asks: a person, a monitor, or the console of many sites.
import { formatLag } from '../receive/lag.ts';
import { consoleSubject, type Health } from './health.ts';

/** In few words each. */
export interface Flaws {
  readonly critical: readonly string[];
  readonly warning: readonly string[];
}

/** What is not well. */
export const flawsOf = (health: Health): Flaws => ({
  critical: criticalTexts(health),
  warning: warningTexts(health),
});

/** Nothing needs anybody. */
export const isWell = (health: Health): boolean => {
  const { critical, warning } = flawsOf(health);
  return critical.length === 0 && warning.length === 0 && health.sources.every(({ state }) => state === 'ok');
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

const warningTexts = ({ jobs, sources, repositories, notifiers, troubles }: Health): string[] => [
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
  ...troubles.flatMap(({ subject }) => (subject === consoleSubject ? ['the console cannot be told'] : [])),
];
