// A report as Markdown.
import type { Report } from './report.ts';
import { type Table, tablesOf, timeText, titleOf } from './words.ts';

export const reportMarkdown = (report: Report): string =>
  [
    `# ${escaped(titleOf(report))}`,
    `Made ${timeText(report.generatedAt)} by Holdfast ${report.version} from its catalog on this machine.`,
    ...tablesOf(report).map(tableText),
  ]
    .join('\n\n')
    .concat('\n');

const tableText = ({ title, empty, columns, rows }: Table): string => {
  if (rows.length === 0) return `## ${title}\n\n${empty}`;
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [`## ${title}\n`, line(columns), `|${'---|'.repeat(columns.length)}`, ...rows.map(line)].join('\n');
};

/** Names and messages are text: nothing in them may become markup, HTML, or another cell. */
const escaped = (text: string): string =>
  text
    .replaceAll(/[\\`*_{}[\]<>()#+!|~&]/g, '\\$&')
    .replaceAll(/[\r\n]+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '�');
