// restic's options for what to keep, for commands that forget.
import { type KeepRules, keepSchema } from '#config/keep.ts';
import { HoldfastError } from '#lib/errors.ts';
import { list, type OptionValues, value } from './command.ts';

export const keepOptions = {
  keepLast: value(
    '-l, --keep-last <n>',
    'keep the newest n snapshots (a number, or unlimited; so for all of these)',
  ),
  keepHourly: value('-H, --keep-hourly <n>', 'keep the newest of each of the last n hours that have one'),
  keepDaily: value('-d, --keep-daily <n>', 'keep the newest of each of the last n days that have one'),
  keepWeekly: value('-w, --keep-weekly <n>', 'keep the newest of each of the last n weeks that have one'),
  keepMonthly: value('-m, --keep-monthly <n>', 'keep the newest of each of the last n months that have one'),
  keepYearly: value('-y, --keep-yearly <n>', 'keep the newest of each of the last n years that have one'),
  keepWithin: value('--keep-within <time>', 'keep what is not older than this before the newest (1y5m7d2h)'),
  keepTag: list('--keep-tag <tags>', 'keep what has this tag, or all of a,b'),
};

/** The rules that were given; undefined when none was. USAGE for what is no rule. */
export const keepRulesOf = (options: OptionValues<typeof keepOptions>): KeepRules | undefined => {
  const given = {
    last: countOf(options.keepLast),
    hourly: countOf(options.keepHourly),
    daily: countOf(options.keepDaily),
    weekly: countOf(options.keepWeekly),
    monthly: countOf(options.keepMonthly),
    yearly: countOf(options.keepYearly),
    within: options.keepWithin,
    tag: options.keepTag.length > 0 ? options.keepTag : undefined,
  };
  if (Object.values(given).every((rule) => rule === undefined)) return undefined;
  const parsed = keepSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [name] = parsed.error.issues[0]?.path ?? [];
  const wanted =
    name === 'within'
      ? 'a length of time such as 7d or 1y6m'
      : name === 'tag'
        ? 'tags'
        : 'a number from 1, or unlimited';
  throw new HoldfastError('USAGE', `--keep-${String(name)} needs ${wanted}`);
};

const countOf = (text: string | undefined): number | string | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
