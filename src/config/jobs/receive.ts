// `receive: [sources]`: what another machine backed up, loaded here into databases and folders that are read meanwhile.
import { z } from 'zod';
import { sizeBytes } from '#lib/byte-size.ts';
import { duration } from '#lib/duration-schema.ts';
import { expandHome } from '#lib/home.ts';
import { keepSchema } from '../keep.ts';
import {
  lackOf,
  type Names,
  namePattern,
  reference,
  refuseTwice,
  shortOrLong,
  sourceWith,
} from '../names.ts';

/** What is received, and where it goes. */
export interface ReceivedSource {
  readonly source: string;
  readonly host?: string | undefined;
  readonly into: string;
  readonly files?: string | undefined;
}

const bytes = z
  .string()
  .regex(/^\d+[BKMGT]$/, { error: 'must be a size such as "500M" or "10G"' })
  .transform((text) => sizeBytes(text.slice(0, -1), text.at(-1)));

const path = z.string().min(1).transform(expandHome);

const floor = z.strictObject({
  folder: path.describe('A folder on the file system that is meant, such as that of the database server.'),
  free: bytes.describe('What must stay free there ("10G").'),
});

export const receive = (names: Names) =>
  z
    .strictObject({
      receive: z
        .array(receivedSource(names))
        .min(1)
        .superRefine((list, context) => refuseTwice(list, ({ into }) => into, context))
        .describe(
          'What to receive: sources by the names that they have on the sending machine, into sources of the same names here; { source, into, … } says otherwise.',
        ),
      from: reference('repository', names.repositories).describe('The repository that the sender stores in.'),
      fetchInto: z
        .strictObject({
          repository: reference('repository', names.repositories).describe('A repository of one’s own.'),
          keep: keepSchema.optional().describe('What of the complete snapshots is kept there. Default: all.'),
          keepPartial: keepSchema
            .optional()
            .describe('What of the partial snapshots is kept there. Default: all.'),
        })
        .optional()
        .describe('Copy snapshots into a repository here before they are loaded.'),
      maxLag: duration()
        .optional()
        .describe(
          'How far behind the sender a receiver may be ("30m"): a run that leaves it further behind fails.',
        ),
      minFree: z
        .array(floor)
        .default([])
        .describe('What must stay free on a file system: nothing is loaded that would need it.'),
    })
    .refine(({ from, fetchInto }) => from !== fetchInto?.repository, {
      path: ['fetchInto', 'repository'],
      error: 'must be another repository than "from"',
    })
    .transform((job) => ({ verb: 'receive' as const, ...job }));

const receivedSource = (names: Names) => {
  const into = sourceWith('receiving', names);
  const short = into.transform((source): ReceivedSource => ({ source, into: source }));
  const long: z.ZodType<ReceivedSource> = z
    .strictObject({
      source: z
        .string()
        .regex(namePattern, { error: 'must be the name of a source' })
        .describe('Its name on the sending machine.'),
      host: z.string().min(1).optional().describe('The sending machine, where several have such a source.'),
      into: into.describe('The source of this file that takes it in.'),
      files: path.optional().describe('The folder for files that partial snapshots bring.'),
    })
    .superRefine(({ into: target, files }, context) => {
      const lack = files === undefined ? undefined : lackOf('changes', target, names);
      if (lack !== undefined)
        context.addIssue({ code: 'custom', path: ['files'], message: `is for ${lack}` });
    });
  return shortOrLong<ReceivedSource>(short, long);
};
