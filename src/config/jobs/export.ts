// `export: [sources]`: rows that were not exported yet, as CSV or JSON lines, each in exactly one file.
import { z } from 'zod';
import { duration } from '#lib/duration-schema.ts';
import { eachOnce, type Names, refuseTwice, sourceWith } from '../names.ts';
import { fileStoreSchema, flawIn } from '../store-schema.ts';

export const exportNameFields = ['site', 'source', 'table', 'first', 'last', 'job'] as const;

/** Names as Medusa gives them. */
const usualName = '{site}_{table}_{first}_{last}.csv';

const overlap = z
  .union([z.int().min(0), duration()])
  .optional()
  .describe(
    'How far below the newest row rows are still looked for that appeared late: a length of time where the table is ordered by a time ("1h", which is the default), a number where it is ordered by a number (default 1000).',
  );

const table = z.strictObject({
  table: z.string().min(1).describe('Its name, with its schema where that is not clear.'),
  key: z.string().min(1).describe('The column that tells rows apart and grows: a number, a time.'),
  timestamp: z
    .string()
    .min(1)
    .optional()
    .describe('The column with the time of the last change: rows come in its order, and changed ones again.'),
  first: z
    .enum(['all', 'now'])
    .default('all')
    .describe('The first export: all rows that are there, or only those that come later.'),
  overlap,
});

const csv = z
  .strictObject({
    delimiter: z
      .string()
      .regex(/^[^"\r\n]$/u, { error: 'must be one character, and no quote or line break' })
      .default(',')
      .describe('Between two values.'),
    header: z.boolean().default(true).describe('Whether files begin with the names of the columns.'),
    lineEnd: z.enum(['crlf', 'lf']).default('crlf').describe('As RFC 4180 has it (crlf), or as Unix does.'),
    nullText: z
      .string()
      .default('')
      .describe('What stands for no value, without quotes; an empty text is "".'),
    quoteAll: z.boolean().default(false).describe('Every text in quotes, needed or not.'),
  })
  .refine(({ nullText, delimiter }) => !nullText.includes(delimiter) && !/["\r\n]/.test(nullText), {
    path: ['nullText'],
    error: 'must hold no quote, line break or delimiter',
  });

const purge = z
  .strictObject({
    listedIn: fileStoreSchema()
      .optional()
      .describe(
        'Files that lie in this store, where another program took them, under the same name and size.',
      ),
    olderThan: duration().optional().describe('Files exported so long ago ("7d").'),
    shipped: z.literal(true).optional().describe('Files that this job has copied to its "shipTo".'),
  })
  .refine((rules) => Object.keys(rules).length > 0, {
    error: 'needs a sign that files were taken away: listedIn, olderThan or shipped',
  });

export const exporting = (names: Names) =>
  z
    .strictObject({
      export: eachOnce(sourceWith('rows', names)).describe('The databases to export from.'),
      tables: z
        .array(table)
        .min(1)
        .superRefine((list, context) => refuseTwice(list, (one) => one.table, context))
        .describe('The tables, each with the column that tells what is new.'),
      to: fileStoreSchema().describe(
        'The store that gets the files: a folder or URL as -r takes it, or { kind: …, … }.',
      ),
      format: z
        .enum(['csv', 'jsonl'])
        .default('csv')
        .describe('CSV (RFC 4180, UTF-8), or a JSON object a line.'),
      csv: csv.optional().describe('The dialect of CSV.'),
      gzip: z.boolean().default(false).describe('Whether files are compressed; their names then end in .gz.'),
      maxRows: z.int().min(1).max(1_000_000).default(100_000).describe('At most so many rows a file.'),
      name: z
        .string()
        .superRefine(checkName)
        .default(usualName)
        .describe(
          'How files are called, from {site} {source} {table} {first} {last} {job}; first and last are the keys of its first and last row.',
        ),
      site: z
        .string()
        .min(1)
        .optional()
        .describe('What {site} stands for in the name. Default: `site` of the file, or else "site".'),
      shipTo: fileStoreSchema().optional().describe('A second store to which finished files are copied.'),
      purge: purge
        .optional()
        .describe('When `holdfast purge` may remove files; all that is said here must be true of a file.'),
    })
    .superRefine(({ purge: rules, to, shipTo, format, csv: dialect, name, site }, context) => {
      const complain = (message: string | undefined, ...path: string[]): void => {
        if (message !== undefined) context.addIssue({ code: 'custom', path, message });
      };
      if (shipTo)
        complain(flawIn(shipTo, to, 'what is shipped must leave the folder of the exports'), 'shipTo');
      if (rules?.listedIn)
        complain(
          flawIn(rules.listedIn, to, 'what shows that files were taken away must be another store'),
          'purge',
          'listedIn',
        );
      if (format !== 'csv' && dialect !== undefined) complain(`is for format csv, not ${format}`, 'csv');
      if (rules?.shipped && shipTo === undefined) complain('needs a "shipTo"', 'purge', 'shipped');
      if (site !== undefined && !name.includes('{site}'))
        complain('is for a "name" that holds {site}', 'site');
    })
    .transform(({ name, csv: dialect = csv.parse({}), site = names.site ?? 'site', ...job }) => ({
      verb: 'export' as const,
      site,
      fileName: fileName(name, job),
      csv: dialect,
      ...job,
    }));

/** Says what it is where its name does not. */
const fileName = (
  name: string,
  { format, gzip }: { readonly format: 'csv' | 'jsonl'; readonly gzip: boolean },
): string => {
  const named = name === usualName && format === 'jsonl' ? name.replace(/csv$/, 'jsonl') : name;
  return gzip && !/\.gz$/i.test(named) ? `${named}.gz` : named;
};

const checkName = (text: string, context: z.core.$RefinementCtx): void => {
  const fields: readonly string[] = exportNameFields;
  const unknown = [...text.matchAll(/\{([^{}]*)\}/g)].find(([, field]) => !fields.includes(field ?? ''));
  const rest = text.replaceAll(/\{[^{}]*\}/g, 'x');
  const complain = (message: string): void => void context.addIssue({ code: 'custom', message });
  if (unknown)
    complain(`${unknown[0]} is unknown; a name may hold ${fields.map((field) => `{${field}}`).join(' ')}`);
  else if (/[{}\\\p{Cc}]/u.test(rest) || rest.split('/').some((part) => ['', '.', '..'].includes(part)))
    complain('must be the name of a file, or a path below the store');
  else if (!text.includes('{table}')) complain('must hold {table}, to tell the files of tables apart');
};
