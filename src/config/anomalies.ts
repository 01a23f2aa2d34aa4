// `anomalies: { shrinkTo: 20%, ignore: [public.sessions] }`: when a snapshot is suspicious beside those before it.
import { z } from 'zod';
import { durationMs } from '#lib/duration.ts';
import { duration } from '#lib/duration-schema.ts';
import { shareOf, shareSchema } from './jobs/check.ts';

const rules = z
  .strictObject({
    shrinkTo: shareSchema
      .default('30%')
      .describe('Suspicious is less than this share of the smallest of the last seven good snapshots.'),
    growsWithin: duration()
      .optional()
      .describe('A source that has not grown in so long is suspicious ("7d"). Default: it need not grow.'),
    ignore: z
      .array(z.string().min(1))
      .default([])
      .describe('Tables that may shrink and vanish, as the engine names them; * stands for anything.'),
  })
  .transform(({ shrinkTo, growsWithin, ignore }) => ({
    shrinkTo: shareOf(shrinkTo),
    ignore,
    ...(growsWithin !== undefined && { growsWithinMs: durationMs(growsWithin) }),
  }));

export const anomaliesSchema = z.union([z.literal('off'), rules]);
