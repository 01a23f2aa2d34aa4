// `site:`, `bulletins:`, `orders:` and `console:`: what a site tells of itself and may be told to do, and where many sites are looked
// at together.
import { z } from 'zod';
import { duration } from '#lib/duration-schema.ts';
import { didYouMean } from '#lib/nearest.ts';
import { secret } from '#lib/secret-schema.ts';
import { eachOnce, type Names, namePattern, nameRule, references, shortOrLong } from './names.ts';
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
  key: secret()
    .optional()
    .describe(
      'The secret key that signs them, as `holdfast bulletin --new-key` makes one. Default: unsigned.',
    ),
});

/** An Ed25519 key as OpenSSH writes it, without a comment: its first 19 bytes say what it is, and 32 follow. */
const keyPattern = /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-P][A-Za-z0-9+/]{42}$/;
const keyRuleOf = (whom: string): string =>
  `must be the public key of ${whom}, which is "ssh-ed25519 " and 68 characters`;
const keyRule = keyRuleOf('a site');
const consoleKey = z.string().regex(keyPattern, { error: keyRuleOf('a console') });
const unsigned = 'unsigned';

const siteKeys = z.union([
  z.literal(unsigned),
  z
    .string()
    .regex(keyPattern, {
      error: ({ input }) => `${keyRule}, or ${unsigned}${didYouMean(String(input), [unsigned])}`,
    })
    .transform((one) => [one]),
  eachOnce(z.string().regex(keyPattern, { error: keyRule })),
]);

/** In a file that gives these names. */
export const ordersSchema = (names: Names) =>
  z.strictObject({
    from: z
      .union([consoleKey.transform((one) => [one]), eachOnce(consoleKey)])
      .describe('The public key of the console (ssh-ed25519 …), or several: only what they signed is taken.'),
    jobs: references('job', names.jobs).describe(
      'The jobs that it may have run, as they are configured, and no others.',
    ),
  });

/** With what each site signs its bulletins: one of these keys. */
type SiteKeys = Readonly<Record<string, typeof unsigned | readonly string[]>>;

const withoutKeys = eachOnce(siteName).transform(
  (names): SiteKeys => Object.fromEntries(names.map((name) => [name, unsigned])),
);

const withKeys: z.ZodType<SiteKeys> = z
  .record(siteName, siteKeys)
  .meta({ minProperties: 1 })
  .superRefine((sites, context) => {
    if (Object.keys(sites).length === 0) context.addIssue({ code: 'custom', message: 'must not be empty' });
    const owners = new Map<string, string>();
    for (const [site, keys] of Object.entries(sites))
      for (const key of keys === unsigned ? [] : new Set(keys)) {
        const owner = owners.get(key);
        owners.set(key, site);
        const message = `has a key of "${owner}", which could pass for it`;
        if (owner !== undefined) context.addIssue({ code: 'custom', path: [site], message });
      }
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
    key: secret()
      .optional()
      .describe(
        'The secret key that signs orders, as `holdfast order --new-key` makes one. Default: none are given.',
      ),
    sites: shortOrLong<SiteKeys>(withoutKeys, withKeys)
      .default({})
      .describe(
        'The sites that there must be: their names, or a mapping from each to its public key, several, or `unsigned`. Others that are found are shown, too.',
      ),
    silentAfter: duration()
      .default('26h')
      .describe('A site that has not told anything for so long is silent.'),
    notify: toldOfSites(names)
      .optional()
      .describe('Who is told when a site is not well, silent or missing, and when it is well again.'),
  });

export type BulletinsConfig = z.output<typeof bulletinsSchema>;
export type OrdersConfig = z.output<ReturnType<typeof ordersSchema>>;
export type ConsoleConfig = z.output<ReturnType<typeof consoleSchema>>;
