// Finished files of an export job into a second store.
import { putStream } from '#archive/put-stream.ts';
import { readObject } from '#archive/read-object.ts';
import type { Catalog } from '#catalog/catalog.ts';
import type { ExportFile } from '#catalog/exports.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Store } from '#stores/store.ts';
import { noting, removeLeftovers } from '../archive/leftovers.ts';
import type { JobContext } from '../job-context.ts';
import { filesThere } from './gone.ts';

export interface Shipment {
  readonly catalog: Catalog;
  readonly job: string;
  readonly from: Store;
  readonly to: Store;
}

/** Copies every file that was not copied yet; returns how many. Copying one again is harmless. */
export const shipFiles = async (shipment: Shipment, context: JobContext): Promise<number> => {
  const { catalog, job, from, to } = shipment;
  const ledger = catalog.exports;
  await removeLeftovers(catalog.unfinished, job, to);
  let shipped = 0;
  for (const file of await filesThere(ledger, job, from)) {
    if (file.name === undefined || file.shippedAt) continue;
    throwIfCancelled(context.signal);
    if (!(await ship(file.name, file, shipment, context))) continue;
    ledger.setShipped(file.id, context.clock.now());
    shipped += 1;
  }
  return shipped;
};

/** False when somebody has taken the file away before. */
const ship = async (
  name: string,
  { id, sizeBytes, sha256 }: ExportFile,
  { catalog, job, from, to }: Shipment,
  { signal, clock, onEvent }: JobContext,
): Promise<boolean> => {
  try {
    const [outcome] = await putStream([to], name, readObject(from, name, signal), {
      signal,
      ...noting(catalog.unfinished, job),
    });
    if (outcome === undefined || outcome instanceof Error) throw outcome ?? new Error('not written');
    if (outcome.sizeBytes !== sizeBytes || outcome.sha256 !== sha256) {
      await outcome.abort();
      throw new HoldfastError('FAILED', `${from.location}: ${name} is not as it was exported`, {
        hint: 'somebody has changed it; move it away',
      });
    }
    await outcome.commit();
    return true;
  } catch (error) {
    if (!hasCode(error, 'OBJECT_MISSING')) throw error;
    onEvent({
      type: 'warning',
      subject: name,
      text: `it is not in ${from.location} any more, and was not shipped`,
      hint: 'when it was not taken away, see whether the place is mounted: it is shipped as soon as it is there again',
    });
    catalog.exports.setGone(id, 'gone', clock.now());
    return false;
  }
};
