// Cron expressions in a time zone. A fixed time that the clock jumps over in spring comes right after the gap, and one that
// the clock passes twice in autumn comes once; what repeats within the day goes on as time itself does.
import { Cron } from 'croner';
import { plural } from './format.ts';

export interface CronSchedule {
  /** Five fields, or six with seconds before them, or a nickname such as '@daily'. */
  readonly expression: string;
  /** An IANA name ('Europe/Berlin'); absent: the machine's own. */
  readonly timeZone?: string | undefined;
}

/** The first time after this one; undefined when there is none any more. */
export const nextTime = (schedule: CronSchedule, after: Date): Date | undefined =>
  open(schedule).nextRun(after) ?? undefined;

/** The newest time that is not after this one. */
export const latestTime = (schedule: CronSchedule, until: Date): Date | undefined => {
  const second = Math.floor(until.getTime() / 1000) * 1000;
  return open(schedule).previousRuns(1, new Date(second + 1000))[0];
};

/** What is wrong with an expression, in a few words; undefined when nothing is. */
export const cronMistake = (expression: string): string | undefined => {
  const fields = expression.split(/\s+/).filter((field) => field !== '');
  try {
    if (nextTime({ expression, timeZone: 'UTC' }, new Date()) === undefined) return 'it never comes';
    return undefined;
  } catch (error) {
    if (fields[0]?.startsWith('@')) return `the words that stand for one are ${nicknames.join(', ')}`;
    if (fields.length !== 5 && fields.length !== 6)
      return `it has ${plural(fields.length, 'field')}, not five`;
    return String(error instanceof Error ? error.message : error).replace(/^Cron\w+: /, '');
  }
};

const nicknames = ['@yearly', '@monthly', '@weekly', '@daily', '@hourly'];

export const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

const open = ({ expression, timeZone }: CronSchedule): Cron =>
  new Cron(expression, {
    mode: '5-or-6-parts',
    fixedTimeRule: 'no-wildcard',
    ...(timeZone !== undefined && { timezone: timeZone }),
  });
