// The keys that every job may have, whatever its verb: each is a line here, and nowhere else.
import { z } from 'zod';
import { waitedDuration } from '#lib/duration-schema.ts';
import { type JsonSchema, jsonSchemaOf, lazily } from '#lib/parse-by.ts';
import { hooksSchema } from '../hooks.ts';
import { isMapping, type Names } from '../names.ts';
import { notifySchema } from '../notify.ts';
import { scheduleSchema } from '../schedule.ts';

const keys = (names: Names) => ({
  schedule: scheduleSchema
    .optional()
    .describe(
      'When the daemon runs it: a cron expression, { cron, … } or { every, … }. Default: only when asked.',
    ),
  hooks: hooksSchema.optional().describe('Commands to run before and after the job.'),
  overlap: z
    .enum(['skip', 'wait'])
    .optional()
    .describe(
      'What a run does when another of the same job is not over: nothing (skip, the default), or wait for it.',
    ),
  timeLimit: waitedDuration()
    .optional()
    .describe(
      'How long a run may take ("6h"): it is then cancelled, and has failed. Default: as long as it takes.',
    ),
  notify: notifySchema(names)
    .optional()
    .describe('Who is told how a run went: names of notifiers, or { to, when }. Default: nobody.'),
});

/** What a job may say beside its verb's own keys. */
export type CommonKeys = z.output<z.ZodObject<ReturnType<typeof keys>>>;

/** The schema of a verb's own keys, which then takes the common ones too. */
export const withCommonKeys = <Own extends object>(
  own: z.ZodType<Own>,
  names: Names,
): z.ZodType<Own & CommonKeys> => {
  const shape: z.ZodRawShape = keys(names);
  const common = z.strictObject(shape);
  const form = (): JsonSchema => {
    const { properties, ...rest } = jsonSchemaOf(own);
    return { ...rest, properties: { ...properties, ...jsonSchemaOf(common).properties } };
  };
  return z
    .unknown()
    .transform((value, context): Own & CommonKeys => {
      const isCommon = ([key]: readonly [string, unknown]): boolean => Object.hasOwn(shape, key);
      const entries = isMapping(value) ? Object.entries(value) : [];
      const shared = common.safeParse(Object.fromEntries(entries.filter(isCommon)));
      const rest = own.safeParse(Object.fromEntries(entries.filter((entry) => !isCommon(entry))));
      if (shared.success && rest.success) return { ...rest.data, ...(shared.data as CommonKeys) };
      const issues = [...(rest.error?.issues ?? []), ...(shared.error?.issues ?? [])];
      context.issues.push(...(issues as z.core.$ZodRawIssue[])); // a finished issue is a raw one with its message made
      return z.NEVER;
    })
    .meta(lazily(form));
};
