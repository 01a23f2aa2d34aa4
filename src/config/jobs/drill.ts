// `drill: [sources]`: the newest snapshot of each, or those of one restore point, restored for real into a scratch place, compared, and removed again.
import { z } from 'zod';
import { expandHome } from '#lib/home.ts';
import { didYouMean } from '#lib/nearest.ts';
import { lackOf, type Names, reference, refuseTwice, shortOrLong } from '../names.ts';
import { sourcesNamedIn } from './across.ts';

/** What a query must give. */
const expectation = {
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
};

const query = z.strictObject({
  query: z.string().min(1).describe("A query in the engine's own language, run on what was restored."),
  database: z
    .string()
    .min(1)
    .optional()
    .describe('Which database it is for, where a snapshot holds several.'),
  ...expectation,
});

const queryAcross = z.strictObject({
  query: z
    .string()
    .min(1)
    .describe('A SELECT, in the SQL of `holdfast query`; each table has the name of its source in front.'),
  ...expectation,
});

/** A source to drill, and how. */
export interface DrilledSource {
  readonly source: string;
  readonly into?: string | undefined;
  readonly queries: readonly z.output<typeof query>[];
}

/** A whole restore point to drill. */
export interface DrilledPoint {
  readonly point: string;
  readonly host?: string | undefined;
  /** All sources of the backup job. */
  readonly sources: readonly DrilledSource[];
}

type Drilled = readonly DrilledSource[] | DrilledPoint;

/** The sources that a job drills, each by itself or all of one restore point. */
export const drilledSources = ({ drill: drilled }: { readonly drill: Drilled }): readonly DrilledSource[] =>
  'point' in drilled ? drilled.sources : drilled;

export const drill = (names: Names) =>
  z
    .strictObject({
      drill: shortOrLong<Drilled>(drilledEach(names), drilledPoint(names)).describe(
        'The sources whose newest snapshot is restored for a trial; { source, into, queries } says how. Or { point: <backup job> }: all that its newest whole restore point holds.',
      ),
      from: reference('repository', names.repositories).describe('The repository that has their snapshots.'),
      across: z
        .array(queryAcross)
        .default([])
        .describe('Queries to all sources of the restore point at once, and what they must give.'),
      scratch: z
        .string()
        .min(1)
        .transform(expandHome)
        .optional()
        .describe(
          "The folder for scratch files and SQLite databases. Default: the system's temporary folder.",
        ),
    })
    .superRefine((job, context) => {
      const lacks = drilledSources(job).map(({ source }) => lackOf('scratch folder', source, names));
      const [lack] = lacks;
      if (job.scratch !== undefined && lack !== undefined && lacks.every((each) => each !== undefined))
        context.addIssue({ code: 'custom', path: ['scratch'], message: `is for ${lack}` });
      refuseAcross(job, context);
    })
    .transform((job) => ({ verb: 'drill' as const, ...job }));

const drilledEach = (names: Names) =>
  z
    .array(drilledSource(names))
    .min(1)
    .superRefine((list, context) => refuseTwice(list, ({ source }) => source, context));

const drilledPoint = (names: Names) =>
  z
    .strictObject({
      point: reference('job', names.jobs)
        .superRefine((job, context) => {
          const message = lackOfPoints(job, names);
          if (message !== undefined) context.addIssue({ code: 'custom', message });
        })
        .describe('The backup job whose newest whole restore point is drilled.'),
      host: z
        .string()
        .min(1)
        .optional()
        .describe('The machine that made it, where several have a job of that name in the repository.'),
      sources: z
        .array(drilledSource(names))
        .default([])
        .describe(
          'How some of its sources are drilled: { source, into, queries }. The others: each beside itself.',
        ),
    })
    .superRefine(({ point, sources }, context) => {
      refuseTwice(sources, ({ source }) => source, context, ['sources']);
      const own = names.backupOf(point)?.sources;
      for (const [at, { source }] of sources.entries())
        if (own !== undefined && !own.includes(source))
          context.addIssue({
            code: 'custom',
            path: ['sources', at],
            message: `"${point}" does not back up "${source}"${didYouMean(source, own) || `; it backs up ${own.join(', ')}`}`,
          });
    })
    .transform(
      ({ point, host, sources }): DrilledPoint => ({
        ...{ point, ...(host !== undefined && { host }) },
        sources: (names.backupOf(point)?.sources ?? []).map(
          (source) => sources.find((one) => one.source === source) ?? { source, queries: [] },
        ),
      }),
    );

/** 'must be a backup job, …', where a job makes no restore points. */
const lackOfPoints = (job: string, names: Names): string | undefined => {
  const backup = names.backupOf(job);
  if (backup === undefined) {
    const others = names.jobs.filter((name) => names.backupOf(name)?.isPartial === false);
    return `must be a backup job, and "${job}" is none${others.length > 0 ? `; there are ${others.join(', ')}` : ''}`;
  }
  return backup.isPartial ? `must be a job of complete backups, and "${job}" has "partial"` : undefined;
};

interface Across {
  readonly drill: Drilled;
  readonly across: readonly z.output<typeof queryAcross>[];
}

const refuseAcross = ({ drill: drilled, across }: Across, context: z.core.$RefinementCtx): void => {
  const complain = (message: string, ...path: (string | number)[]): void =>
    void context.addIssue({ code: 'custom', path: ['across', ...path], message });
  if (across.length === 0) return;
  if (!('point' in drilled)) {
    complain('is for sources of one moment: drill a restore point, "drill: { point: <backup job> }"');
    return;
  }
  const names = drilled.sources.map(({ source }) => source);
  const lower = names.map((name) => name.toLowerCase());
  for (const [at, name] of lower.entries())
    if (lower.indexOf(name) < at || ['main', 'temp'].includes(name))
      complain(
        `SQLite cannot tell "${names[at]}" from ${lower.indexOf(name) < at ? `"${names[lower.indexOf(name)]}"` : 'its own tables'}: give that source another name`,
      );
  for (const [at, { query: sql }] of across.entries())
    for (const name of new Set(sourcesNamedIn(sql)))
      if (!lower.includes(name.toLowerCase()))
        complain(
          `"${drilled.point}" backs up no source "${name}"${didYouMean(name, names) || `; there are ${names.join(', ')}`}`,
          at,
          'query',
        );
};

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
