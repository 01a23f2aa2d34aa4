// 02-contents.json: what a restore must know of a database before rows come, and the stock client cannot tell it.
import { z } from 'zod';

const columnSchema = z.strictObject({
  name: z.string(),
  /** Takes only text, and must be told that the bytes are that. */
  text: z.literal(true).optional(),
});

const contentsSchema = z.strictObject({
  contents: z.literal(1),
  database: z.string(),
  tables: z.array(
    z.strictObject({
      name: z.string(),
      /** In the order in which the file has them. */
      columns: z.array(columnSchema),
      /** Whether a file with its rows belongs to the snapshot. */
      rows: z.boolean(),
      /** The columns with the times of its rows, where a file with rows that are no more belongs to the snapshot too. */
      history: z.strictObject({ start: z.string(), end: z.string() }).optional(),
    }),
  ),
  sequences: z.array(
    z.strictObject({
      name: z.string(),
      /** The number that comes next, and in which round of a cycle. */
      next: z.string().regex(/^-?\d+$/),
      round: z.string().regex(/^\d+$/),
      /** It comes before the number that the sequence starts with. */
      restarted: z.literal(true).optional(),
    }),
  ),
});

export type Contents = z.infer<typeof contentsSchema>;
export type ContentsTable = Contents['tables'][number];
export type ContentsColumn = z.infer<typeof columnSchema>;
export type SequenceValue = Contents['sequences'][number];

export const parseContents = (text: string): Contents => contentsSchema.parse(JSON.parse(text));
