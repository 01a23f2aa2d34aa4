// `archive: [sources]`: plain files that are read without Holdfast, in any store, and `keep` says how long.
import { z } from 'zod';
import { flawInTemplate, nameTemplate } from '#archive/name.ts';
import { keepFilesSchema } from '../keep.ts';
import { type Names, references } from '../names.ts';
import { recipients } from '../recipient.ts';
import { fileStoreSchema, refuseSamePlace } from '../store-schema.ts';
import { nameFlaws } from './archive-name.ts';

export const archive = (names: Names) =>
  z
    .strictObject({
      archive: references('source', names.sources).describe('The sources to archive.'),
      to: z
        .array(fileStoreSchema())
        .min(1)
        .superRefine(refuseSamePlace)
        .describe('The stores that get the files: folders or URLs as -r takes them, or { kind: …, … }.'),
      name: z
        .string()
        .superRefine(checkTemplate)
        .default('{source}_{yyyy}{mm}{dd}_{HH}{MM}{SS}')
        .describe(
          'How files are called, from {source} {database} {job} {host} {site} {yyyy} {mm} {dd} {HH} {MM} {SS}. The ending says what they are: .tar.gz .tgz .tar.zst .tar, or the engine’s own dump as .sql.gz .sql.zst .sql; without one, each source gets the one that fits.',
        ),
      site: z
        .string()
        .min(1)
        .optional()
        .describe('What {site} stands for in the name. Default: `site` of the file.'),
      encryptTo: recipients
        .optional()
        .describe(
          'Public keys of age (age1…): only who has the secret key of one of them can read the files, which end in .age.',
        ),
      keep: keepFilesSchema
        .optional()
        .describe('Which of the files that this job made are kept after a good run. Default: all.'),
      limitUpload: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe('No more than so many KiB per second are stored.'),
    })
    .superRefine((job, context) => {
      if (flawInTemplate(job.name) !== undefined) return;
      for (const { path, message } of nameFlaws(job, names))
        context.addIssue({ code: 'custom', path: [...path], message });
    })
    // A job's own name is called so.
    .transform(({ name, site = names.site, ...job }) => ({
      verb: 'archive' as const,
      archiveName: name,
      ...job,
      ...(site !== undefined && holdsSite(name) && { site }),
    }));

const holdsSite = (name: string): boolean =>
  flawInTemplate(name) === undefined && nameTemplate(name).has('site');

const checkTemplate = (text: string, context: z.core.$RefinementCtx): void => {
  const flaw = flawInTemplate(text);
  if (flaw !== undefined) context.addIssue({ code: 'custom', message: flaw });
};
