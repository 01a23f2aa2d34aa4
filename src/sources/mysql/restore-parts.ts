// Tables into a database that may be in use.
import { HoldfastError } from '#lib/errors.ts';
import type { Restoring } from './restore.ts';
import type { Goal, Parts } from './restore-goal.ts';

export const restoreParts = async (_restoring: Restoring, goal: Goal, _parts: Parts): Promise<void> => {
  throw new HoldfastError('UNSUPPORTED', `tables of ${goal.database} cannot be restored by themselves`, {
    hint: 'restore the whole database under another name with --as',
  });
};
