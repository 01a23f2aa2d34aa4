// The columns of error-row.ts, as they are read.
import { z } from 'zod';
import type { ErrorRow } from './error-row.ts';
import type { ErrorReport } from './run.ts';

/** What every row with such columns has. */
export const errorColumns = {
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
  error_hint: z.string().nullable(),
};

export const errorIn = (row: ErrorRow): { readonly error?: ErrorReport } =>
  row.error_code === null
    ? {}
    : {
        error: {
          code: row.error_code,
          message: row.error_message ?? '',
          ...(row.error_hint !== null && { hint: row.error_hint }),
        },
      };
