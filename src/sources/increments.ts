// What later backups store of a table that changed: a choice of every kind that has rows or documents.
import { z } from 'zod';
import type { RowFormat } from '#lib/row-format.ts';
import type { Entry } from './source.ts';

export const incrementsKeys = {
  increments: z
    .enum(['chunks', 'rows'])
    .default('chunks')
    .describe(
      'What later backups store of a table or collection in which rows changed: the pieces of about 8 KiB that they lie in, or the rows alone.',
    ),
};

/** How the rows of a table are cut, which lie as the format says. */
export const rowChunking = (
  { increments }: { readonly increments: 'chunks' | 'rows' },
  format: RowFormat = 'lines',
): NonNullable<Entry['chunking']> => (increments === 'rows' ? format : 'table');

/** True of a source whose tables are stored beside what an earlier snapshot has of them. */
export const comparesRows = (source: { toJSON(): Record<string, unknown> }): boolean =>
  source.toJSON().increments === 'rows';
