// `mirror: <store>`: files under the same names in another store, each verified, each with a status.
import { z } from 'zod';
import { duration } from '#lib/duration-schema.ts';
import { jsonSchemaOf, parseBy } from '#lib/parse-by.ts';
import type { StoreConfig } from '#stores/registry.ts';
import { isMapping, type Names, namePattern, sourceWith } from '../names.ts';
import { fileStoreSchema, flawIn } from '../store-schema.ts';

/** Queries that need not be written, by the system whose files they list. */
const mirrorPresets = ['dataverse'] as const;

const listedBy = (names: Names) =>
  z
    .strictObject({
      source: sourceWith('listing', names).describe('The database, a source of kind postgres.'),
      preset: z.enum(mirrorPresets).optional().describe('A query that Holdfast knows: that of Dataverse.'),
      query: z
        .string()
        .min(1)
        .optional()
        .describe(
          'A query whose columns say, by their names, of each file: path, and place, read_path, size, checksum_type, checksum, created as far as they are known.',
        ),
    })
    .refine(({ preset, query }) => (preset === undefined) !== (query === undefined), {
      error: 'needs a query, or a preset in its place',
    });

/** One store, or several by the names that the listing gives them. */
const places = (): z.ZodType<Readonly<Record<string, StoreConfig>>> => {
  const one = fileStoreSchema();
  const several = z
    .record(z.string().regex(namePattern, { error: 'is no name of a place' }), fileStoreSchema())
    .refine((stores) => Object.keys(stores).length > 0, { error: 'names no store' });
  const only = one.transform((store): Readonly<Record<string, StoreConfig>> => ({ '': store }));
  return parseBy<Readonly<Record<string, StoreConfig>>>(
    () => [one, several].map(jsonSchemaOf),
    (value) => ({
      schema: isMapping(value) && typeof value.kind !== 'string' ? several : only,
      value,
    }),
  );
};

export const mirror = (names: Names) =>
  z
    .strictObject({
      mirror: places().describe(
        'Where files are read: a store, or several by the names that the listing has for them ({ file: …, s3: … }).',
      ),
      to: fileStoreSchema().describe('The store that gets the copies, under the same names.'),
      listedBy: listedBy(names)
        .optional()
        .describe('The query that lists the files. Default: all that lie in the store they are read from.'),
      lookBack: duration()
        .optional()
        .describe(
          'How long before the newest time of creation files are still looked for whose rows appeared late. Default: "1h".',
        ),
      statusTable: sourceWith('statuses', names)
        .optional()
        .describe(
          'A source of kind postgres, in whose table datafilestatus the status of each file is kept for others.',
        ),
    })
    .superRefine(({ mirror: stores, to, listedBy: query, lookBack }, context) => {
      for (const store of Object.values(stores)) {
        const message = flawIn(to, store, 'copies must not lie among the originals');
        if (message !== undefined) context.addIssue({ code: 'custom', path: ['to'], message });
      }
      if (!query && lookBack !== undefined)
        context.addIssue({ code: 'custom', path: ['lookBack'], message: 'is for what "listedBy" lists' });
      if (!query && !('' in stores))
        context.addIssue({
          code: 'custom',
          path: ['mirror'],
          message: 'must be one store, or "listedBy" must say which files lie where',
        });
    })
    .transform(({ lookBack = '1h', ...job }) => ({ verb: 'mirror' as const, lookBack, ...job }));
