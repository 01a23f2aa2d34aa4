// Files that were missing when somebody looked: taken away by another program, or on a disk that was not mounted then.
import type { ExportFile, ExportLedger } from '#catalog/exports.ts';
import type { Store } from '#stores/store.ts';

/** The files that a job has exported and not removed, oldest first: those that were gone only if they are there again, and count from now on. */
export const filesThere = async (ledger: ExportLedger, job: string, store: Store): Promise<ExportFile[]> => {
  const gone = ledger.files(job, ['gone']);
  if (gone.length > 0) {
    const names = new Set<string>();
    for await (const { key } of store.list('')) names.add(key);
    for (const { id, name } of gone) if (name !== undefined && names.has(name)) ledger.setBack(id);
  }
  return ledger.files(job, ['done']);
};
