// The sites, and the orders that one was given, as tables: on a screen, or on a page.
import { formatAge, plural } from '#lib/format.ts';
import type { Health } from '../health/health.ts';
import type { SiteOrder } from './outcomes.ts';
import type { Site } from './sites.ts';

export const siteColumns = [
  { title: 'Site' },
  { title: 'Told' },
  { title: 'Machine' },
  { title: 'Holdfast' },
  { title: 'Jobs' },
  { title: 'Oldest source' },
  { title: '' },
] as const;

export const siteRow = ({ site, state, bulletin }: Site, now: Date): string[] => [
  site,
  bulletin ? formatAge(bulletin.at, now) : '',
  bulletin?.host ?? '',
  bulletin?.version ?? '',
  bulletin ? jobsText(bulletin.health) : '',
  bulletin ? oldestText(bulletin.health, now) : '',
  stateTexts[state],
];

/** Of a site that takes orders. */
export const orderableText = ({ bulletin }: Site): string[] =>
  bulletin?.orders ? [`may be ordered: ${bulletin.orders.jobs.join(', ')}`] : [];

export const orderColumns = [
  { title: 'Order' },
  { title: 'Given' },
  { title: 'Jobs' },
  { title: 'Outcome' },
] as const;

export const orderRow = (order: SiteOrder, now: Date): string[] => {
  const { id, at, jobs } = order;
  return [id, at ? formatAge(at, now) : '', jobs.join(', '), outcomeText(order)];
};

/** What became of it, with each of its runs where they ended in several ways. */
export const outcomeText = ({ state, why, runs }: SiteOrder): string => {
  const several = new Set(runs.map((run) => run.state)).size > 1;
  const each = several ? `: ${runs.map((run) => `${run.job} ${run.state}`).join(', ')}` : '';
  const reason = why === undefined ? each : `: ${why}`;
  return (state === 'gone' ? 'taken or removed: its site has told nothing of it yet' : state) + reason;
};

/** Said after who told something, where a signature says anything of it. */
export const signatureText = ({ signature = 'none' }: Site): string => signatureTexts[signature];

const signatureTexts = {
  good: ', signed',
  unchecked: ', signed with a key that `console.sites` does not have',
  none: '',
} as const;

const stateTexts = {
  well: 'well',
  unwell: 'NOT WELL',
  silent: 'SILENT',
  missing: 'MISSING',
  unreadable: 'NOT TO BE RELIED ON',
} as const;

const jobsText = ({ jobs }: Health): string => {
  const unwell = jobs.filter(({ well }) => !well).length;
  return unwell === 0 ? plural(jobs.length, 'job') : `${unwell} of ${jobs.length} not well`;
};

/** The source whose newest good snapshot is the oldest. */
const oldestText = ({ sources }: Health, now: Date): string => {
  const without = sources.find(({ state }) => state === 'none');
  if (without) return `${without.source}: none`;
  const [oldest] = sources
    .flatMap(({ source, good }) => (good ? [{ source, time: good.time }] : []))
    .toSorted((a, b) => a.time.getTime() - b.time.getTime());
  return oldest ? `${oldest.source}, ${formatAge(oldest.time, now)}` : '';
};
