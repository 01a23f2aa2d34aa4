// `schedule:`: when the daemon runs a job.
import { z } from 'zod';
import { cronMistake, isTimeZone } from '#lib/cron.ts';
import { duration } from '#lib/duration-schema.ts';

const expression = z
  .string()
  .superRefine((text, context) => {
    const mistake = cronMistake(text);
    if (mistake === undefined) return;
    const message = `is no cron expression such as "30 3 * * *" (${mistake})`;
    context.addIssue({ code: 'custom', message });
  })
  .describe('A cron expression: minute, hour, day of month, month, day of week ("30 3 * * *").');

const ofBoth = {
  jitter: duration()
    .optional()
    .describe('Start up to so much later, each time anew and on each machine differently ("10m").'),
  runMissed: z
    .boolean()
    .default(true)
    .describe('Run once, at once, when due times passed while the daemon or the machine was off.'),
};

const byCron = z.strictObject({
  cron: expression,
  timeZone: z
    .string()
    .refine(isTimeZone, { error: 'must be a time zone such as "Europe/Berlin" or "UTC"' })
    .optional()
    .describe('In which the expression is meant. Default: the machine’s own.'),
  ...ofBoth,
});

const byInterval = z.strictObject({
  every: duration().describe('The time from one start to the next ("15m").'),
  ...ofBoth,
});

export const scheduleSchema = z
  .union([expression, byCron, byInterval])
  .transform(
    (value): ScheduleConfig => (typeof value === 'string' ? { cron: value, runMissed: true } : value),
  );

/** When a job is due; lengths of time are as the file has them. */
export type ScheduleConfig = z.output<typeof byCron> | z.output<typeof byInterval>;
