// A notice as HTML that every mail reader shows: tables and inline styles, nothing from elsewhere.
import { formatBytes, formatDuration, formatTime, printable, shortId } from '#lib/format.ts';
import { type Notice, type RunSummary, severityColors } from '../notice.ts';
import { countsLine, leftOutLine, runLine } from '../notice-text.ts';

/** A whole document. */
export const noticeHtml = (notice: Notice): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(notice.title)}</title></head>
<body style="margin:0;padding:16px;font:15px/1.45 system-ui,sans-serif;color:#1d1c1d;background:#ffffff">
<table role="presentation" style="max-width:720px;width:100%;border-collapse:collapse"><tr>
<td style="border-left:4px solid ${severityColors[notice.severity]};padding:0 0 0 14px">
<h1 style="font-size:18px;margin:0 0 10px">${escaped(notice.title)}</h1>
${notice.paragraphs.map((text) => `<p style="margin:0 0 10px;white-space:pre-line">${escaped(text)}</p>`).join('\n')}
${notice.run ? runHtml(notice.run) : ''}
<p style="color:#696969;font-size:13px;margin:12px 0 0">${escaped(notice.host)}, ${formatTime(notice.at)}</p>
</td></tr></table></body></html>
`;

const runHtml = (run: RunSummary): string =>
  [
    `<p style="margin:0 0 4px">${escaped(runLine(run))}</p>`,
    `<p style="margin:0 0 10px"><strong>${escaped(countsLine(run))}</strong></p>`,
    table(
      ['Source', 'Repository', 'State', 'Size', 'Took', 'Snapshot'],
      run.sources.map((source) => [
        source.source,
        source.repository,
        source.error === undefined ? source.state : `${source.state}: ${source.error}`,
        source.error === undefined ? formatBytes(source.bytes) : '',
        formatDuration(source.durationMs),
        source.snapshot === undefined ? '' : shortId(source.snapshot),
      ]),
    ),
    table(
      ['Source', 'Failed', 'Why', 'What to do'],
      run.failures.map(({ source, item, message, hint }) => [source, item, message, hint ?? '']),
    ),
    run.failuresLeftOut > 0 ? `<p style="margin:0">${escaped(leftOutLine(run) ?? '')}</p>` : '',
  ].join('\n');

const cell = 'text-align:left;vertical-align:top;padding:4px 10px 4px 0;border-bottom:1px solid #dddddd';

const table = (titles: readonly string[], rows: readonly (readonly string[])[]): string => {
  if (rows.length === 0) return '';
  const head = titles.map((title) => `<th style="${cell}">${escaped(title)}</th>`).join('');
  const body = rows.map(
    (row) => `<tr>${row.map((text) => `<td style="${cell}">${escaped(text)}</td>`).join('')}</tr>`,
  );
  return `<table style="border-collapse:collapse;margin:0 0 10px;font-size:14px"><tr>${head}</tr>${body.join('\n')}</table>`;
};

/** Names from a backup may hold anything, markup included. */
const escaped = (text: string): string =>
  text
    .split('\n')
    .map(printable)
    .join('\n')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
