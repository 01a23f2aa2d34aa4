import type { Restoring } from './restore.ts';
import type { Goal, Parts } from './restore-goal.ts';

export const restoreParts = async (_: Restoring, _goal: Goal, _parts: Parts): Promise<void> => {
  throw new Error('not yet');
};
