// `hooks: { before, after, on }`: the user's own commands around a job.
import { z } from 'zod';
import { waitedDuration } from '#lib/duration-schema.ts';

/** One command: a line for the shell, or a program and its arguments, and how long it may take. */
export interface HookConfig {
  readonly command: string | readonly string[];
  /** '10m' */
  readonly timeLimit: string;
}

const usualLimit = '10m';

const line = z.string().min(1).describe('A line for the shell.');
const argv = z.array(z.string().min(1)).min(1).describe('A program and its arguments, run without a shell.');
const long = z.strictObject({
  command: z.union([line, argv]).describe('A line for the shell, or a list of program and arguments.'),
  timeLimit: waitedDuration().default(usualLimit).describe('How long it may take; it has then failed.'),
});

const commands = () =>
  z
    .union([line, argv, long, z.array(long).min(1)])
    .transform((value): readonly HookConfig[] => {
      if (typeof value === 'string') return [{ command: value, timeLimit: usualLimit }];
      if (!Array.isArray(value)) return [value];
      const isLong = (items: typeof value): items is z.output<typeof long>[] => typeof items[0] === 'object';
      return isLong(value) ? value : [{ command: value, timeLimit: usualLimit }];
    })
    .optional();

export const hooksSchema = z.strictObject({
  before: commands().describe(
    'Before the job. One that fails stops it; one that ends with status 75 skips it quietly.',
  ),
  held: commands().describe(
    'In a backup that is `together`: when the states of all databases stand, and none of them has been read.',
  ),
  after: commands().describe('After the job, however it ended, unless it was skipped.'),
  on: z
    .strictObject({
      success: commands().describe('When all went well.'),
      partial: commands().describe('When some items failed.'),
      failure: commands().describe('When the job failed.'),
    })
    .optional()
    .describe('After that, by how it ended.'),
});

export type HooksConfig = z.output<typeof hooksSchema>;
