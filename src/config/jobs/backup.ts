// `backup: [sources]`: each source becomes a snapshot in each repository, and `keep` says how long.
import { z } from 'zod';
import { duration } from '#lib/duration-schema.ts';
import { jsonSchemaOf, parseBy } from '#lib/parse-by.ts';
import { anomaliesSchema } from '../anomalies.ts';
import { type KeepRules, keepSchema } from '../keep.ts';
import { isMapping, type Names, reference, references, refuseTwice } from '../names.ts';

/** A repository that a job stores in, and what the job keeps there; without rules, everything. */
export interface Destination {
  readonly repository: string;
  readonly keep?: KeepRules | undefined;
}

export const backup = (names: Names) =>
  z
    .strictObject({
      backup: references('source', names.sources).describe('The sources to back up.'),
      to: z
        .array(destination(names))
        .min(1)
        .superRefine((list, context) => refuseTwice(list, ({ repository }) => repository, context))
        .describe('The repositories that get a snapshot of each; { repository, keep } has rules of its own.'),
      keep: keepSchema
        .optional()
        .describe('Which of the snapshots that this job made are kept after a good run. Default: all.'),
      maxAge: duration()
        .optional()
        .describe(
          'How old the newest good snapshot of a source may be before `status` complains. Default: as the schedule says.',
        ),
      anomalies: anomaliesSchema
        .optional()
        .describe('When a snapshot is suspicious beside those before it; off: never.'),
    })
    .transform(({ keep, ...job }) => ({
      verb: 'backup' as const,
      ...job,
      to: job.to.map(
        (one): Destination => ({ ...one, ...((one.keep ?? keep) && { keep: one.keep ?? keep }) }),
      ),
    }));

const destination = (names: Names) => {
  const repository = reference('repository', names.repositories);
  const short = repository.transform((name): Destination => ({ repository: name }));
  const long: z.ZodType<Destination> = z.strictObject({
    repository: repository.describe('The name of the repository.'),
    keep: keepSchema.optional().describe("What is kept there, instead of the job's own rules."),
  });
  return parseBy<Destination>({ anyOf: [jsonSchemaOf(short), jsonSchemaOf(long)] }, (value) => ({
    schema: isMapping(value) ? long : short,
    value,
  }));
};
