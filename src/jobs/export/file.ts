// One exported file: it is remembered before it gets its name and counts from then on, so that a crash between the two neither
// loses rows nor repeats them.
import { putStream, type Written } from '#archive/put-stream.ts';
import { sizeOf } from '#archive/read-object.ts';
import { type Bytes, compress } from '#archive/streams.ts';
import type { Catalog } from '#catalog/catalog.ts';
import type { ExportFile, ExportLedger, RowHash } from '#catalog/exports.ts';
import type { UnfinishedObjects } from '#catalog/unfinished.ts';
import { asError, HoldfastError, hasCode } from '#lib/errors.ts';
import { largeObjectsOf, type Store } from '#stores/store.ts';
import { noting } from '../archive/leftovers.ts';
import type { Positions } from './window.ts';

export interface FileRequest {
  readonly ledger: ExportLedger;
  readonly unfinished: UnfinishedObjects;
  readonly job: string;
  readonly table: number;
  readonly run: string;
  readonly store: Store;
  readonly name: string;
  readonly gzip: boolean;
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/** What is known of a file when all of its rows have been written. */
export interface FileContent {
  readonly rows: readonly RowHash[];
  readonly count: number;
  readonly lastPosition: string;
  readonly positions: Positions;
}

/** Writes the text, and makes it count. Returns its size as it is stored. */
export const exportFile = async (
  { ledger, unfinished, job, table, run, store, name, gzip, signal, now }: FileRequest,
  text: Bytes,
  content: FileContent,
): Promise<number> => {
  const [outcome] = await putStream([store], name, compress(text, gzip ? 'gzip' : 'none'), {
    signal,
    ...noting(unfinished, job),
  });
  const written = writtenOrThrow(outcome);
  const { token, sizeBytes, sha256 } = written;
  const { rows, count, lastPosition, positions } = content;
  const file = { run, name, token, sizeBytes, sha256, rows: count, lastPosition };
  const id = ledger.intend(table, file, rows, now());
  await written.commit();
  ledger.confirm(id, table, positions);
  return sizeBytes;
};

const writtenOrThrow = (outcome: Written | Error | undefined): Written => {
  if (outcome === undefined || outcome instanceof Error) throw outcome ?? new Error('not written');
  return outcome;
};

/** After a crash: files that were to get their names count if they did; of the others nothing is left. Returns those that were begun in another store. */
export const settleFiles = async (
  { exports: ledger, unfinished }: Pick<Catalog, 'exports' | 'unfinished'>,
  job: string,
  store: Store,
): Promise<readonly { readonly name: string; readonly store: string }[]> => {
  const elsewhere: { readonly name: string; readonly store: string }[] = [];
  for (const { id, name, token, sizeBytes } of ledger.files(job, ['intended'])) {
    if (name === undefined) {
      ledger.drop(id);
      continue;
    }
    const [other] = unfinished.storesOf(job, { name, token }).filter((each) => each !== store.location);
    if (other !== undefined) elsewhere.push({ name, store: other });
    if (other === undefined && (await wasCommitted(store, name, { token, sizeBytes })))
      ledger.confirmAlone(id);
    else ledger.drop(id);
  }
  return elsewhere;
};

/** What tells is that its unfinished form is gone: the file itself may have been taken away by now. */
const wasCommitted = async (
  store: Store,
  name: string,
  { token, sizeBytes }: Pick<ExportFile, 'token' | 'sizeBytes'>,
): Promise<boolean> => {
  const large = largeObjectsOf(store);
  if (!large) throw new HoldfastError('UNSUPPORTED', `${store.location} takes no objects in pieces`);
  return await large.wasCommitted(name, token, sizeBytes);
};

/** Whether something of that name is in the store. */
export const isTaken = async (store: Store, name: string): Promise<boolean> => {
  try {
    await sizeOf(store, name);
    return true;
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return false;
    throw asError(error);
  }
};
