// The sites as one page, for a web server to show.
import { formatAge, formatTime } from '#lib/format.ts';
import { healthLines, healthTables } from '../health/tables.ts';
import { escapeHtml } from '../report/chart.ts';
import { pageHtml } from '../report/page.ts';
import { orderableText, orderColumns, orderRow, signatureText, siteColumns, siteRow } from './rows.ts';
import type { Site, Sites } from './sites.ts';

/** A table of all sites, then each with what it told. Ages are as of when the page was made. */
export const sitesHtml = ({ sites, at }: Sites): string => {
  const unwell = sites.filter(({ state }) => state !== 'well').length;
  const lead = unwell === 0 ? 'All is well' : `${unwell} of ${sites.length} not well`;
  const rows = sites.map((site) => rowHtml(siteRow(site, at), site));
  return pageHtml(
    'Sites',
    `<p>${lead}, as of ${formatTime(at)}.</p>
${tableHtml(siteColumns, rows)}
${sites.map((site) => siteHtml(site, at)).join('\n')}`,
  );
};

const siteHtml = (told: Site, now: Date): string => {
  const { site, bulletin, flaws, orders } = told;
  const wrong = flaws.length === 0 ? '' : listHtml(flaws, 'failed');
  const rows = orders.map((order) => rowHtml(orderRow(order, now)));
  const asked = rows.length === 0 ? '' : `\n${tableHtml(orderColumns, rows)}`;
  if (bulletin === undefined) return `<h2 id="${site}">${escapeHtml(site)}</h2>${wrong}${asked}`;
  const { at, host, version } = bulletin;
  const health = { ...bulletin.health, at: now };
  const tables = healthTables(health).map(({ columns, rows }) =>
    tableHtml(
      columns,
      rows.map((row) => rowHtml(row)),
    ),
  );
  const lines = [...healthLines(health), ...orderableText(told)];
  return `<h2 id="${site}">${escapeHtml(site)}</h2>
<p>Told ${formatAge(at, now)} by ${escapeHtml(host)} with Holdfast ${escapeHtml(version)}${signatureText(told)}.</p>
${wrong}${tables.join('\n')}${lines.length === 0 ? '' : listHtml(lines)}${asked}`;
};

const tableHtml = (columns: readonly { readonly title: string }[], rows: readonly string[]): string => {
  const head = columns.map(({ title }) => `<th>${title}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
};

/** That of a site ends with how it is. */
const rowHtml = (cells: readonly string[], site?: Site): string => {
  const state = site?.state === 'well' ? 'passed' : 'failed';
  const shown = cells.map((cell, at) => {
    if (site && at === 0) return `<td><a href="#${site.site}">${escapeHtml(cell)}</a></td>`;
    const mark = site && at === cells.length - 1 ? ` class="${state}"` : '';
    return `<td${mark}>${escapeHtml(cell)}</td>`;
  });
  return `<tr>${shown.join('')}</tr>`;
};

const listHtml = (lines: readonly string[], mark?: string): string =>
  `<ul${mark === undefined ? '' : ` class="${mark}"`}>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`;
