// `check: [repositories]`: their structure, and of their data as much as is asked for.
import { z } from 'zod';
import { type Names, references } from '../names.ts';

/** A share of the data as `readData` and `--read-data` take it: '0%' to '100%'. */
export const shareSchema = z
  .string()
  .regex(/^(100(\.0+)?|\d{1,2}(\.\d+)?)%$/, { error: 'must be a share from "0%" to "100%"' });

/** '5%' → 0.05. */
export const shareOf = (text: string): number => Number.parseFloat(text) / 100;

const allOrNothing = z.boolean().transform((all) => (all ? '100%' : '0%'));

export const check = (names: Names) =>
  z
    .strictObject({
      check: references('repository', names.repositories).describe('The repositories to check.'),
      readData: z
        .union([allOrNothing, shareSchema])
        .prefault(false)
        .describe('Also read and verify the data: all of it (true), or a random share ("5%").'),
    })
    .transform((job) => ({ verb: 'check' as const, ...job }));
