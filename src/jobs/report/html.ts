// A report as one HTML page that needs nothing else: no script, no font, no picture from anywhere.
import { formatBytes, formatDuration } from '#lib/format.ts';
import { type Chart, chartSvg, escapeHtml, type Point } from './chart.ts';
import { pageHtml } from './page.ts';
import type { Report, SourceEvidence } from './report.ts';
import { type Table, tablesOf, timeText, titleOf } from './words.ts';

export const reportHtml = (report: Report): string =>
  pageHtml(
    titleOf(report),
    `<p>Made ${timeText(report.generatedAt)} by Holdfast ${escapeHtml(report.version)} from its catalog on this machine.</p>
${tablesOf(report).map(tableHtml).join('\n')}
<h2>Over time</h2>
${report.sources.map((source) => sourceHtml(source, report)).join('\n')}`,
  );

const tableHtml = ({ title, empty, columns, rows }: Table): string => {
  if (rows.length === 0) return `<h2>${escapeHtml(title)}</h2><p>${escapeHtml(empty)}</p>`;
  const head = columns.map((column) => `<th>${escapeHtml(column)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map(cellHtml).join('')}</tr>`).join('\n');
  return `<h2>${escapeHtml(title)}</h2><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
};

const cellHtml = (cell: string): string =>
  /^(passed|differs|failed|interrupted)$/.test(cell)
    ? `<td class="${cell}">${cell}</td>`
    : `<td>${escapeHtml(cell)}</td>`;

const sourceHtml = (one: SourceEvidence, period: Report): string => {
  const name = `${one.source} in ${one.repository}`;
  const charts = [sizes(one, period), durations(one, period), restores(one, period)].filter(
    ({ points }) => points.length > 0,
  );
  return `<section><h3>${escapeHtml(name)}</h3>${charts.map(chartSvg).join('')}</section>`;
};

type Of = Pick<Report, 'since' | 'until'>;

const sizes = ({ backups }: SourceEvidence, { since, until }: Of): Chart => ({
  ...{ title: 'Size of each snapshot', since, until, shape: 'line' },
  largest: formatBytes(Math.max(0, ...backups.map(({ bytes }) => bytes))),
  points: backups.map(({ at, bytes, state }) => ({
    ...{ at, value: bytes, bad: state !== 'ok' },
    text: `${timeText(at)}: ${formatBytes(bytes)}, ${state}`,
  })),
});

const durations = ({ backups }: SourceEvidence, { since, until }: Of): Chart => ({
  ...{ title: 'How long each backup took', since, until, shape: 'bars' },
  largest: formatDuration(Math.max(0, ...backups.map(({ durationMs }) => durationMs))),
  points: backups.map(({ at, durationMs, state }) => ({
    ...{ at, value: durationMs, bad: state !== 'ok' },
    text: `${timeText(at)}: ${formatDuration(durationMs)}, ${state}`,
  })),
});

const restores = ({ drills }: SourceEvidence, { since, until }: Of): Chart => {
  const points = drills.map((drill): Point => {
    const restoreMs = ('restoreMs' in drill && drill.restoreMs) || 0;
    const text = `${timeText(drill.startedAt)}: ${drill.state}, restored in ${formatDuration(restoreMs)}`;
    return { at: drill.startedAt, value: restoreMs, bad: drill.state !== 'passed', text };
  });
  const largest = formatDuration(Math.max(0, ...points.map(({ value }) => value)));
  return { title: 'How long each trial restore took', since, until, shape: 'bars', largest, points };
};
