// The sites, as the user of the console reads them.
import type { SiteOrder } from '#jobs/console/outcomes.ts';
import {
  orderableText,
  orderColumns,
  orderRow,
  signatureText,
  siteColumns,
  siteRow,
} from '#jobs/console/rows.ts';
import type { Site, Sites } from '#jobs/console/sites.ts';
import { formatAge } from '#lib/format.ts';
import { showPointProofs, showProofs } from './drill-status.ts';
import type { Output } from './output.ts';
import { showHealth } from './status-report.ts';

/** So much of what is wrong with a site is told beside the others; all of it when it is asked for alone. */
const mostFlaws = 20;

/** A line for each site, and below them what is wrong. */
export const showSites = async (output: Output, { sites, at }: Sites): Promise<void> => {
  if (output.json) {
    for (const site of sites) await output.result(siteFields(site), undefined);
    return;
  }
  if (sites.length > 0)
    await output.table(
      siteColumns,
      sites.map((site) => siteRow(site, at)),
    );
  for (const { site, flaws } of sites) {
    for (const flaw of flaws.slice(0, mostFlaws)) await output.result(undefined, `${site}: ${flaw}`);
    if (flaws.length > mostFlaws)
      await output.result(undefined, `${site}: and ${flaws.length - mostFlaws} more`);
  }
};

/** All that one site told, as `status` shows it there. */
export const showSite = async (output: Output, site: Site, now: Date): Promise<void> => {
  const { bulletin, flaws } = site;
  await output.result(siteFields(site), undefined);
  if (bulletin === undefined) {
    for (const flaw of flaws) await output.result(undefined, `${site.site}: ${flaw}`);
    await showOrders(output, site, now);
    return;
  }
  const { at, host, version, health, proofs, points } = bulletin;
  const told = `told ${formatAge(at, now)} by ${host} with Holdfast ${version}${signatureText(site)}`;
  await output.heading(`${site.site}, ${told}`);
  await showHealth(output, { ...health, at: now });
  await showProofs(output, proofs, now);
  await showPointProofs(output, points, now);
  await showOrders(output, site, now);
  if (site.state !== 'well')
    for (const flaw of flaws) await output.result(undefined, `${site.site}: ${flaw}`);
};

const showOrders = async (output: Output, site: Site, now: Date): Promise<void> => {
  for (const line of orderableText(site)) await output.result(undefined, line);
  const rows = site.orders.map((order) => orderRow(order, now));
  if (output.json)
    for (const order of site.orders) await output.result(orderFields(site.site, order), undefined);
  else if (rows.length > 0) await output.table(orderColumns, rows);
};

const orderFields = (site: string, { id, at, jobs, state, why, takenAt, runs }: SiteOrder) => ({
  message_type: 'order',
  ...{ site, id, at, jobs, state, why, taken_at: takenAt, runs },
});

const siteFields = ({ site, state, bulletin, signature, flaws }: Site) => {
  const { jobs = [], sources = [] } = bulletin?.health ?? {};
  return {
    message_type: 'site',
    site,
    state,
    told_at: bulletin?.at,
    host: bulletin?.host,
    version: bulletin?.version,
    signature,
    jobs: jobs.length,
    jobs_not_well: jobs.filter(({ well }) => !well).length,
    sources: sources.length,
    sources_not_well: sources.filter((source) => source.state !== 'ok').length,
    may_be_ordered: bulletin?.orders?.jobs,
    flaws,
  };
};
