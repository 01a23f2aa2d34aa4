// What later backups store of a table that changed: a choice of every kind whose rows are lines.
import { z } from 'zod';
import type { Entry } from './source.ts';

export const incrementsKeys = {
  increments: z
    .enum(['chunks', 'rows'])
    .default('chunks')
    .describe(
      'What later backups store of a table in which rows changed: the pieces of about 8 KiB that they lie in, or the rows alone.',
    ),
};

/** How the rows of a table are cut. */
export const rowChunking = ({
  increments,
}: {
  readonly increments: 'chunks' | 'rows';
}): NonNullable<Entry['chunking']> => (increments === 'rows' ? 'rows' : 'table');

/** True of a source whose tables are stored beside what an earlier snapshot has of them. */
export const comparesRows = (source: { toJSON(): Record<string, unknown> }): boolean =>
  source.toJSON().increments === 'rows';
