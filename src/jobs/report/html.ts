// A report as one HTML page that needs nothing else: no script, no font, no picture from anywhere.
import { formatBytes, formatDuration } from '#lib/format.ts';
import { type Chart, chartSvg, escapeHtml, type Point } from './chart.ts';
import type { Report, SourceEvidence } from './report.ts';
import { type Table, tablesOf, timeText, titleOf } from './words.ts';

export const reportHtml = (report: Report): string => {
  const title = escapeHtml(titleOf(report));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>${style}</style></head><body>
<h1>${title}</h1>
<p>Made ${timeText(report.generatedAt)} by Holdfast ${escapeHtml(report.version)} from its catalog on this machine.</p>
${tablesOf(report).map(tableHtml).join('\n')}
<h2>Over time</h2>
${report.sources.map((source) => sourceHtml(source, report)).join('\n')}
</body></html>
`;
};

const style = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1c2328; background: #fff; }
table { border-collapse: collapse; width: 100%; font-size: 13px; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #d8dee2; overflow-wrap: anywhere; }
.passed { color: #1a6b3c; } .differs, .failed, .interrupted { color: #a3221c; font-weight: 600; }
figure { display: inline-block; margin: 0 1.5rem 1rem 0; width: 20rem; } figcaption { font-size: 12px; color: #57636b; } svg { width: 100%; }
polyline { fill: none; stroke: #4a7fa7; stroke-width: 1; } line.good { stroke: #4a7fa7; stroke-width: 2; } circle.good { fill: #4a7fa7; }
line.bad { stroke: #c5372c; stroke-width: 2; } circle.bad { fill: #c5372c; } .ground { stroke: #d8dee2; }
@media (prefers-color-scheme: dark) { body { color: #dfe5e9; background: #14191d; } th, td { border-color: #333d44; } .ground { stroke: #333d44; } .passed { color: #6cc38f; } .differs, .failed, .interrupted { color: #ef8077; } }
`;

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
