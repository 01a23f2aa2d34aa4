// The whole file as one schema: what is validated, and what editors complete, are the same.
import { z } from 'zod';
import { expandHome } from '#lib/home.ts';
import { ofKind } from '#lib/kind-registry.ts';
import { type JsonSchema, jsonSchemaOf } from '#lib/parse-by.ts';
import { secret } from '#lib/secret-schema.ts';
import { notifierKinds } from '#notifiers/registry.ts';
import { sourceKinds } from '#sources/registry.ts';
import { bulletinsSchema, consoleSchema, ordersSchema, siteSchema } from './console.ts';
import { daemonSchema, logsSchema } from './daemon.ts';
import { jobSchema } from './jobs/verbs.ts';
import { type Names, named, noNames } from './names.ts';
import { storeSchema } from './store-schema.ts';

/** The schema of a file that gives these names. */
export const fileSchema = (names: Names) =>
  z.strictObject({
    site: siteSchema.optional(),
    repositories: named(repository()).describe('Where snapshots are kept, by name.'),
    sources: named(ofKind(sourceKinds)).describe('What has data, by name.'),
    notifiers: named(ofKind(notifierKinds)).describe('Who is told how the jobs go, by name.'),
    jobs: named(jobSchema(names)).describe('What to do, by name; each job does exactly one thing.'),
    daemon: daemonSchema.describe('How the daemon runs jobs.'),
    logs: logsSchema
      .optional()
      .describe('Where runs and the daemon write what they do, beside standard error.'),
    bulletins: bulletinsSchema
      .optional()
      .describe('Where the console of many sites reads how everything stands here. Needs a `site`.'),
    orders: ordersSchema(names)
      .optional()
      .describe('Which jobs the console of many sites may have run here. Needs `bulletins`.'),
    console: consoleSchema(names).optional().describe('Where `holdfast sites` looks at many sites together.'),
    catalog: z
      .string()
      .min(1)
      .transform(expandHome)
      .optional()
      .describe('The file in which Holdfast remembers its runs. Default: catalog.db in its state folder.'),
  });

export type FileValues = z.output<ReturnType<typeof fileSchema>>;

/** The JSON Schema (draft 2020-12) of holdfast.yaml as it is written. */
export const jsonSchema = (): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'holdfast.yaml',
  ...jsonSchemaOf(fileSchema(noNames)),
});

const repository = () =>
  z.strictObject({
    store: storeSchema().describe(
      'Where the repository lies: a folder or URL as -r takes it, or { kind: …, … }.',
    ),
    password: secret().describe('The password that opens the repository.'),
    compression: z
      .enum(['off', 'fast', 'default', 'max'])
      .default('default')
      .describe('How hard new data is compressed (zstd).'),
    verifyWrites: z
      .boolean()
      .default(true)
      .describe('Decrypt and compare everything once more before it is stored, to catch bad memory.'),
    limitUpload: rate().describe('No more than so many KiB per second are stored, on average.'),
    limitDownload: rate().describe('No more than so many KiB per second are read, on average.'),
  });

const rate = () => z.number().int().min(1).optional();
