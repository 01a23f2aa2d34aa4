import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import type { DumpRequest } from './dump.ts';

export const restoreServer = async (
  _: Omit<DumpRequest, 'onClose'>,
  _entries: AsyncIterable<Entry>,
  _into: RestoreTarget,
): Promise<RestoreReport> => {
  throw new Error('not yet');
};
