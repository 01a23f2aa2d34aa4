// `drill: [sources]`: the newest snapshot of each restored for real into a scratch place, compared, and removed again.
import { z } from 'zod';
import { expandHome } from '#lib/home.ts';
import { lackOf, type Names, reference, refuseTwice, shortOrLong } from '../names.ts';

const query = z.strictObject({
  query: z.string().min(1).describe("A query in the engine's own language, run on what was restored."),
  database: z
    .string()
    .min(1)
    .optional()
    .describe('Which database it is for, where a snapshot holds several.'),
  expect: z
    .union([
      z.string().regex(/^(?!\s*[<>]=?\s*$)/, { error: 'compares with nothing' }),
      z.number().refine((value) => !Number.isInteger(value) || Number.isSafeInteger(value), {
        error: 'has more digits than a number keeps: write it in quotes',
      }),
      z.boolean(),
    ])
    .optional()
    .describe('What the first value of the first row must be: a value, or a comparison such as "> 0".'),
  rows: z
    .union([
      z.int().min(0),
      z
        .string()
        .regex(/^(>=|<=|!=|=|>|<) ?\d+$/, { error: 'must be a number, or a comparison such as "> 0"' }),
    ])
    .optional()
    .describe('How many rows there must be. Without this and `expect`: at least one.'),
});

/** A source to drill, and how. */
export interface DrilledSource {
  readonly source: string;
  readonly into?: string | undefined;
  readonly queries: readonly z.output<typeof query>[];
}

export const drill = (names: Names) =>
  z
    .strictObject({
      drill: z
        .array(drilledSource(names))
        .min(1)
        .superRefine((list, context) => refuseTwice(list, ({ source }) => source, context))
        .describe(
          'The sources whose newest snapshot is restored for a trial; { source, into, queries } says how.',
        ),
      from: reference('repository', names.repositories).describe('The repository that has their snapshots.'),
      scratch: z
        .string()
        .min(1)
        .transform(expandHome)
        .optional()
        .describe(
          "The folder for scratch files and SQLite databases. Default: the system's temporary folder.",
        ),
    })
    .superRefine(({ drill: drilled, scratch }, context) => {
      const lacks = drilled.map(({ source }) => lackOf('scratch folder', source, names));
      const [lack] = lacks;
      if (scratch !== undefined && lack !== undefined && lacks.every((each) => each !== undefined))
        context.addIssue({ code: 'custom', path: ['scratch'], message: `is for ${lack}` });
    })
    .transform((job) => ({ verb: 'drill' as const, ...job }));

const drilledSource = (names: Names) => {
  const source = reference('source', names.sources);
  const short = source.transform((name): DrilledSource => ({ source: name, queries: [] }));
  const long: z.ZodType<DrilledSource> = z
    .strictObject({
      source: source.describe('The name of the source.'),
      into: reference('source', names.sources)
        .optional()
        .describe(
          'A source of the same kind on whose server the scratch database is made. Default: the source itself.',
        ),
      queries: z.array(query).default([]).describe('Queries of your own, and what they must give.'),
    })
    .superRefine((drilled, context) => refuseIdle(drilled, names, context));
  return shortOrLong<DrilledSource>(short, long);
};

/** Complains of what a drill of such a source could not do. */
const refuseIdle = (
  { source, into, queries }: DrilledSource,
  names: Names,
  context: z.core.$RefinementCtx,
): void => {
  const complain = (message: string, ...path: (string | number)[]): void =>
    void context.addIssue({ code: 'custom', path, message });
  const kind = names.kindOf(source);
  const other = into === undefined ? undefined : names.kindOf(into);
  const inFiles = kind !== undefined && lackOf('scratch folder', source, names) === undefined;
  if (kind !== undefined && other !== undefined && other !== kind)
    complain(
      `must be a source of kind ${kind}, as "${source}" is, and "${into}" is of kind ${other}`,
      'into',
    );
  else if (inFiles && into !== undefined)
    complain(
      `is for databases on a server: what is made of a source of kind ${kind} lies in "scratch"`,
      'into',
    );
  const lack = queries.length > 0 ? lackOf('queries', source, names) : undefined;
  if (lack !== undefined) complain(`are for ${lack}`, 'queries');
  for (const [at, { database }] of queries.entries())
    if (inFiles && lack === undefined && database !== undefined)
      complain(`a source of kind ${kind} holds one database: leave it out`, 'queries', at, 'database');
};
