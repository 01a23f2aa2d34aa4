// `site:`, `bulletins:` and `console:`: what a site tells of itself, and where many sites are looked at together.
import { z } from 'zod';
import { duration } from '#lib/duration-schema.ts';
import { secret } from '#lib/secret-schema.ts';
import { eachOnce, type Names, namePattern, nameRule } from './names.ts';
import { notifySchema, type Occasion } from './notify.ts';
import { recipient, recipients } from './recipient.ts';
import { fileStoreSchema } from './store-schema.ts';

/** It becomes a folder in the store of the bulletins. */
const siteName = z.string().regex(namePattern, { error: nameRule });

export const siteSchema = siteName.describe(
  'What this site is called: by the console, and as {site} in the names of files.',
);

export const bulletinsSchema = z.strictObject({
  to: fileStoreSchema().describe(
    'The store in which bulletins are put, below the name of the site: a folder or URL as -r takes it, or { kind: …, … }.',
  ),
  for: z
    .union([recipient.transform((one) => [one]), recipients])
    .describe('The public key of the console (age1…), or several: only their holders can read bulletins.'),
});

/** Of a site there is nothing else to tell than that it is not well, and that it is again. */
const ofSites: readonly Occasion[] = ['failure', 'recovery'];

const toldOfSites = (names: Names) =>
  notifySchema(names).superRefine((list, context) => {
    for (const [index, { when = [] }] of list.entries())
      for (const occasion of when)
        if (!ofSites.includes(occasion))
          context.addIssue({
            code: 'custom',
            path: [index],
            message: `"${occasion}" is told of jobs; of sites are "failure" and "recovery"`,
          });
  });

/** In a file that gives these names. */
export const consoleSchema = (names: Names) =>
  z.strictObject({
    bulletins: fileStoreSchema().describe('The store in which the sites put their bulletins.'),
    identity: secret().describe('The secret key that opens them, as `holdfast sites --new-key` makes one.'),
    sites: eachOnce(siteName)
      .default([])
      .describe('The sites that there must be. Others that are found are shown, too.'),
    silentAfter: duration()
      .default('26h')
      .describe('A site that has not told anything for so long is silent.'),
    notify: toldOfSites(names)
      .optional()
      .describe('Who is told when a site is not well, silent or missing, and when it is well again.'),
  });

export type BulletinsConfig = z.output<typeof bulletinsSchema>;
export type ConsoleConfig = z.output<ReturnType<typeof consoleSchema>>;
