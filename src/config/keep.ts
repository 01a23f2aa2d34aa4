// `keep: { daily: 7, … }`: which snapshots are kept when others are forgotten.
import { z } from 'zod';

/** One mistake, one message: a misspelt rule is not also reported as a missing one. */
const withoutIssues = ({ issues }: { readonly issues: readonly unknown[] }): boolean => issues.length === 0;

const count = (what: string) =>
  z
    .union([z.int().min(1), z.literal('unlimited')])
    .optional()
    .describe(what);

/** The rules as the file has them; `--keep-…` on the command line says the same. */
export const keepSchema = z
  .strictObject({
    last: count('The newest so many.'),
    hourly: count('The newest of each hour, of the last so many hours that have any.'),
    daily: count('The newest of each day, of the last so many days that have any.'),
    weekly: count('The newest of each week (ISO 8601), of the last so many weeks that have any.'),
    monthly: count('The newest of each month, of the last so many months that have any.'),
    yearly: count('The newest of each year, of the last so many years that have any.'),
    within: z
      .string()
      .regex(/^(?=.*[1-9])(\d{1,5}[ymdh])+$/, { error: 'must be a length of time such as "7d" or "1y6m"' })
      .optional()
      .describe(
        'Everything not older than this before the newest: years, months, days, hours ("1y6m", "7d", "36h").',
      ),
    tag: z
      .array(
        z.string().regex(/^[^,]+(,[^,]+)*$/, { error: 'must be a tag, or several with commas between them' }),
      )
      .min(1)
      .optional()
      .describe('Everything with one of these tags; of "a,b" both are needed.'),
  })
  .refine((rules) => Object.keys(rules).length > 0, {
    when: withoutIssues,
    error: 'needs at least one rule, such as { daily: 7 }; without "keep", everything is kept',
  });

/** Rules for what to keep, as restic has them; without any, everything is kept. */
export type KeepRules = z.output<typeof keepSchema>;

/** The same for plain files, which have no tags. */
export const keepFilesSchema = keepSchema.refine(({ tag }) => tag === undefined, {
  path: ['tag'],
  error: 'files have no tags: only the rules that go by time are for them',
});
