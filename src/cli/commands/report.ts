// holdfast report: the evidence of a period, for an auditor.

import { reportHtml } from '#jobs/report/html.ts';
import { reportMarkdown } from '#jobs/report/markdown.ts';
import { gatherReport, type Period, type Report } from '#jobs/report/report.ts';
import { durationMs, durationPattern } from '#lib/duration.ts';
import { HoldfastError } from '#lib/errors.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand, type OptionSpecs, value } from '../command.ts';
import { configIfAny } from '../repository-choice.ts';

const options = {
  since: value('--since <when>', 'a date (2026-11-01) or a length of time (90d); default: 30d'),
  until: value('--until <when>', 'a date or a length of time ago; default: now'),
  format: value('--format <format>', 'md, json or html (default: md)'),
};

type ReportCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Prints what happened in a period: the runs of each job, the snapshots of each source, every drill with what was
compared and how long the restore took, and every failure. As Markdown, as JSON, or as one HTML page with charts that
needs nothing else and can be kept or mailed.

It is made from the catalog of this machine; \`verify\`, \`check\` and \`drill\` look at the backups themselves.`,
  args: [],
  options,
  examples: [
    ['report --since 90d', 'a quarter, as Markdown'],
    ['report --since 2026-01-01 --until 2027-01-01 --format html > 2026.html', 'a year, as a page'],
  ],
  onRepository: false,
  statuses: [],
  async run(call) {
    const { output, clock, options: given, global } = call;
    const period = periodOf(call, clock.now());
    const format = given.format ?? (global.json ? 'json' : 'md');
    const config = await configIfAny(call);
    using catalog = catalogOf(config, call);
    const text = write(gatherReport(catalog, period, clock.now()), format);
    await output.bytes(Buffer.from(text));
    return 0;
  },
});

const write = (report: Report, format: string): string => {
  if (format === 'md') return reportMarkdown(report);
  if (format === 'html') return reportHtml(report);
  if (format === 'json')
    return `${JSON.stringify({ message_type: 'report', ...(snakeCase(report) as object) })}\n`;
  throw new HoldfastError('USAGE', `there is no format "${format}"`, { hint: 'take md, json or html' });
};

/** Keys as all of our JSON has them; what the keys of `byState` say stays as it is, being one word. */
const snakeCase = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCase(inner),
    ]),
  );
};

const periodOf = ({ options: { since, until } }: ReportCall, now: Date): Period => {
  const period = {
    since: momentOf(since ?? '30d', now),
    until: until === undefined ? now : momentOf(until, now),
  };
  if (period.since < period.until) return period;
  throw new HoldfastError('USAGE', '--since is not before --until', {
    hint: 'say --since 90d, or two dates',
  });
};

const momentOf = (text: string, now: Date): Date => {
  if (durationPattern.test(text)) return new Date(now.getTime() - durationMs(text));
  const date = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/.test(text)
    ? new Date(text)
    : new Date(Number.NaN);
  if (!Number.isNaN(date.getTime())) return date;
  throw new HoldfastError('USAGE', `"${text}" is no date and no length of time`, {
    hint: 'write 2026-11-01, or 90d for the last ninety days',
  });
};
