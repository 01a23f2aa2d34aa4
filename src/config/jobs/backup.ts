// `backup: [sources]`: each source becomes a snapshot in each repository, and `keep` says how long.
import { z } from 'zod';
import { duration } from '#lib/duration-schema.ts';
import { expandHome } from '#lib/home.ts';
import { anomaliesSchema } from '../anomalies.ts';
import { type KeepRules, keepSchema } from '../keep.ts';
import { lackOf, type Names, reference, references, refuseTwice, shortOrLong } from '../names.ts';

/** A repository that a job stores in, and what the job keeps there; without rules, everything. */
export interface Destination {
  readonly repository: string;
  readonly keep?: KeepRules | undefined;
}

const column = z.string().min(1);

const tableOf = (one: string | { readonly table: string }): string =>
  typeof one === 'string' ? one : one.table;

const partial = z
  .strictObject({
    since: duration().describe(
      'Rows changed so long ago or later ("10m"), or since the previous partial backup if that is longer ago.',
    ),
    tables: z
      .array(
        z.union([
          z.string().min(1),
          z.strictObject({
            table: z.string().min(1).describe('Its name, with its schema where that is not clear.'),
            by: column.optional().describe('Its column with the time of the last change.'),
          }),
        ]),
      )
      .min(1)
      .superRefine((list, context) => refuseTwice(list, tableOf, context))
      .describe('The tables whose changed rows are captured; { table, by } has a column of its own.'),
    by: column.optional().describe('The column with the time of the last change, where a table names none.'),
    files: z
      .array(
        z.strictObject({
          table: z.string().min(1).describe('A table whose rows name files.'),
          column: column.describe('Its column with the path.'),
          folder: z
            .string()
            .min(1)
            .transform(expandHome)
            .describe('The folder on this machine that the paths begin in.'),
        }),
      )
      .default([])
      .describe('Files that captured rows name in a column.'),
  })
  .transform(({ tables, by, ...rest }, context) => ({
    ...rest,
    tables: tables.map((each, at) => {
      const { table, by: own = by } = typeof each === 'string' ? { table: each } : each;
      if (own === undefined)
        context.addIssue({
          code: 'custom',
          path: ['tables', at],
          message: 'needs a "by", here or for all tables',
        });
      return { table, by: own ?? '' };
    }),
  }));

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
      together: z
        .boolean()
        .optional()
        .describe(
          'The states of all its databases, and of files with `fsSnapshot`, are taken at once, before any of them is read.',
        ),
      partial: partial
        .optional()
        .describe(
          'Only rows that changed lately, with all that they refer to, for a `receive` job: never in the place of complete backups.',
        ),
      anomalies: anomaliesSchema
        .optional()
        .describe('When a snapshot is suspicious beside those before it; off: never.'),
    })
    .superRefine(({ backup: sources, partial: some, anomalies, together }, context) => {
      const complain = (path: string, message: string): void =>
        void context.addIssue({ code: 'custom', path: [path], message });
      if (some && sources.length > 1) complain('partial', 'is for one source: give each a job of its own');
      const lack = some && sources.map((source) => lackOf('changes', source, names)).find((each) => each);
      if (lack) complain('partial', `is for ${lack}`);
      if (some && together) complain('together', 'is for complete backups, and this job has "partial"');
      const lacks = sources.map((source) => lackOf('moment', source, names));
      const [none] = together && lacks.every((each) => each !== undefined) ? lacks : [];
      if (none) complain('together', `is for ${none}`);
      if (some && anomalies !== undefined)
        complain('anomalies', 'judges complete backups, and this job has "partial"');
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
  return shortOrLong<Destination>(short, long);
};
