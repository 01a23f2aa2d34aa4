// Why something ended badly, as it is written into the three columns that each table has for it. Reading them takes zod, which the daemon does without.
import type { ErrorReport } from './run.ts';

export interface ErrorRow {
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly error_hint: string | null;
}

export const errorRow = (error: ErrorReport | undefined): ErrorRow => ({
  error_code: error?.code ?? null,
  error_message: error?.message ?? null,
  error_hint: error?.hint ?? null,
});
