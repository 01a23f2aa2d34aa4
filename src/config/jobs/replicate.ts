// `replicate: <source>`: a second CouchDB server keeps copies of the databases, by replications of its own.
import { z } from 'zod';
import { duration } from '#lib/duration-schema.ts';
import { type Names, sourceWith } from '../names.ts';

const serverUrl = () =>
  z
    .url({ protocol: /^https?$/, error: 'must be an http: or https: URL' })
    .refine((text) => !/^[a-z]+:\/\/[^/]*@/i.test(text), {
      error: 'must be without a user: that is taken from the source',
    });

export const replicate = (names: Names) =>
  z
    .strictObject({
      replicate: sourceWith('replication', names).describe(
        'The source, of kind couchdb, whose databases are copied; which ones, it says itself.',
      ),
      into: sourceWith('replication', names).describe(
        'The server that keeps the copies, as a source of kind couchdb; its user must be a server administrator.',
      ),
      from: serverUrl()
        .optional()
        .describe("The source's URL as the copying server reaches it, when that is another one."),
      self: serverUrl()
        .optional()
        .describe("The copying server's own URL as it reaches itself, when that is another one."),
      security: z.boolean().default(true).describe('Whether security objects are copied as well.'),
      whenDeleted: z
        .enum(['keep', 'fail'])
        .default('keep')
        .describe(
          'What to do when a source database was deleted: keep the copy, end its replication and say so once; or fail until somebody decides.',
        ),
      firstSync: duration()
        .default('1h')
        .describe('How long a run waits for copies that were never in step ("1h").'),
    })
    .refine(({ replicate: source, into }) => source !== into, {
      path: ['into'],
      error: 'must be another source than the one that is copied',
    })
    .transform((job) => ({ verb: 'replicate' as const, ...job }));
