// `notify: [ops, { to: boss, when: digest }]`: whom a job tells, and of what.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { duration } from '#lib/duration-schema.ts';
import { type Names, reference, shortOrLong } from './names.ts';

const occasions = ['failure', 'partial', 'suspicious', 'recovery', 'missed', 'always', 'digest'] as const;
export type Occasion = (typeof occasions)[number];

/** A notifier that a job tells of some occasions. */
export interface Subscription {
  /** The name of the notifier. */
  readonly to: string;
  /** Absent: of whatever is not well, and when it is well again. */
  readonly when?: readonly Occasion[] | undefined;
  /** How often a trouble that goes on is told again. */
  readonly remind: string;
  /** When the digest of a day is sent. */
  readonly at: string;
}

const remind = () => duration().default('12h');
const at = () =>
  z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'must be a time of day such as "07:00"' });
const usualTime = '07:00';
const occasion = z.enum(occasions);

/** The schema of `notify:` in a file that gives these names. */
export const notifySchema = (names: Names) => {
  const name = reference('notifier', names.notifiers);
  const short = name.transform((to): Subscription => ({ to, remind: '12h', at: usualTime }));
  const long = z
    .strictObject({
      to: name.describe('The name of the notifier.'),
      when: z
        .union([occasion.transform((one) => [one]), z.array(occasion).min(1)])
        .optional()
        .describe(
          'Of what: failure, partial, suspicious, recovery, missed; always is every run, digest one message a day. Default: failure, partial, suspicious, recovery, missed.',
        ),
      remind: remind().describe('How often a trouble that goes on is told again.'),
      at: at()
        .optional()
        .describe('When the digest of a day is sent, by the clock of this machine. Default: "07:00".'),
    })
    .refine(({ when, at: time }) => time === undefined || when?.includes('digest'), {
      path: ['at'],
      error: 'is for a digest, and "when" asks for none',
    })
    .transform(({ at: time = usualTime, ...one }): Subscription => ({ ...one, at: time }));
  const one = shortOrLong<Subscription>(short, long);
  return z
    .array(one)
    .min(1)
    .superRefine((list, context) => {
      for (const [index, each] of list.entries())
        if (list.slice(0, index).some((before) => isDeepStrictEqual(before, each)))
          context.addIssue({ code: 'custom', path: [index], message: `"${each.to}" is here twice` });
    });
};
