// Executes statements. One that needs another of a later place is tried again when that is there.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import type { Connection } from './connect.ts';
import { errorNumber, serverMessage } from './server-error.ts';
import type { Statement } from './statements.ts';

export interface Unmade {
  /** As its statement has it: 'table dbo.orders'. */
  readonly what: string;
  readonly error: HoldfastError;
}

/** What could not be made, when nothing more could. Decoration that could not be set is told as a warning. */
export const runStatements = async (
  connection: Connection,
  statements: readonly Statement[],
  { reporter, signal }: { readonly reporter: Reporter; readonly signal: AbortSignal },
): Promise<Unmade[]> => {
  let pending = statements;
  for (;;) {
    const failed: (readonly [Statement, HoldfastError])[] = [];
    for (const statement of pending) {
      throwIfCancelled(signal);
      const error = await runOne(connection, statement);
      if (error) failed.push([statement, error]);
    }
    if (failed.length === 0) return [];
    if (failed.length < pending.length) {
      pending = failed.map(([statement]) => statement);
      continue;
    }
    for (const [{ isDecoration }, error] of failed) if (isDecoration) reporter.warn(error.message);
    return failed.filter(([{ isDecoration }]) => !isDecoration).map(([{ what }, error]) => ({ what, error }));
  }
};

const runOne = async (
  connection: Connection,
  { what, batches }: Statement,
): Promise<HoldfastError | undefined> => {
  try {
    await connection.run(...batches);
    return undefined;
  } catch (error) {
    if (errorNumber(error) === undefined || !connection.usable) throw error;
    return new HoldfastError('TARGET_FAILED', `${what} could not be restored: ${serverMessage(error)}`, {
      cause: error,
    });
  }
};
