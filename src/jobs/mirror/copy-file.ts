// One file from one store into another: read, held against its checksum, written, and found there as it was read.
import type { Hash } from 'node:crypto';
import { type PutOptions, putStream, type Written } from '#archive/put-stream.ts';
import { readSized, sizeOf } from '#archive/read-object.ts';
import type { MirrorCopy, MirrorStatus } from '#catalog/mirrors.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError, hasCode } from '#lib/errors.ts';
import { comparedPutsOf, largeObjectsOf, type Store } from '#stores/store.ts';
import { checksumOf, startHash, usualType } from './checksum.ts';
import { compareCopy, isKnownAsGood, isLonger } from './compare-copy.ts';
import type { ListedFile } from './listed-file.ts';

export interface CopyContext extends PutOptions {
  readonly to: Store;
  /** Runs work on a large file: no more of them at once than memory is meant for. */
  readonly large: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

export type CopyOutcome =
  | { readonly status: 'OK'; readonly copy: MirrorCopy }
  | { readonly status: Exclude<MirrorStatus, 'OK'>; readonly error: Error };

/** Up to here a file is one object in memory; beyond, it travels in pieces. */
export const smallBytes = 4 * 1024 * 1024;

/** Copies it. `replaces` says that another copy of that name may have been in pieces. Throws only when cancelled. */
export const copyFile = async (
  file: ListedFile,
  from: Store,
  context: CopyContext & { readonly replaces: boolean },
): Promise<CopyOutcome> => {
  try {
    const size = await sizeToRead(file, from);
    const copy =
      size <= smallBytes && !context.replaces
        ? await copySmall(file, from, size, context)
        : await context.large(() => copyLarge(file, from, size, context));
    return { status: 'OK', copy };
  } catch (error) {
    throwIfCancelled(context.signal);
    if (error instanceof ReadFailure) return { status: 'FAIL_READ', error: asError(error.cause) };
    return { status: 'FAIL_WRITE', error: asError(error) };
  }
};

/** Tells what could not be read from what could not be written. */
class ReadFailure extends Error {}

const reading = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    throw readFailure(error);
  }
};

const readFailure = (error: unknown): ReadFailure => {
  if (!hasCode(error, 'OBJECT_MISSING')) return new ReadFailure('unreadable', { cause: error });
  const hint = error.message.includes('\uFFFD')
    ? 'a name that is not UTF-8 cannot be mirrored: rename it'
    : 'bring it back where it is kept, or take it off the list';
  const cause = new HoldfastError('ITEM_UNREADABLE', error.message, { hint, cause: error });
  return new ReadFailure('unreadable', { cause });
};

/** A file that is longer than listed is found out by its checksum; without one, the store is asked. */
const sizeToRead = async (
  { sizeBytes, sizeIsSeen, checksum, key }: ListedFile,
  from: Store,
): Promise<number> => {
  if (sizeBytes === undefined) return await reading(() => sizeOf(from, key));
  // A store may well list a size of 0 for what has no size that is known, such as the files of /proc.
  const isTrusted = (sizeIsSeen && sizeBytes > 0) || checksum !== undefined;
  if (isTrusted || !(await reading(() => isLonger(from, key, sizeBytes)))) return sizeBytes;
  const now = sizeIsSeen ? await reading(() => sizeOf(from, key)) : 0;
  if (now > 0) return now; // it has grown since
  throw new ReadFailure('unreadable', {
    cause: new HoldfastError('ITEM_CHANGED', `it has more than the ${sizeBytes} bytes that are listed`, {
      hint: sizeIsSeen
        ? 'files whose size the store does not tell cannot be mirrored: move them elsewhere'
        : 'find out which of both is right',
    }),
  });
};

const copySmall = async (
  file: ListedFile,
  from: Store,
  size: number,
  { to, signal }: CopyContext,
): Promise<MirrorCopy> => {
  const whole = { offset: 0, length: size };
  const bytes = await reading(() => from.get(file.key, whole));
  const type = file.checksum?.type ?? usualType;
  const checksum = checksumOf(type, bytes);
  checkAsListed(file, checksum);
  const isCompared = await putSmall(to, file.path, bytes);
  const copy: MirrorCopy = { sizeBytes: size, checksumType: type, checksum };
  if (isCompared) return copy;
  const isGood = async (): Promise<boolean> =>
    (await isKnownAsGood(to, file.path, copy, signal, bytes)) ||
    Buffer.compare(await to.get(file.path, whole), bytes) === 0;
  await keepIfGood(to, file.path, copy, isGood);
  return copy;
};

/** Whether it was compared, too. */
const putSmall = async (to: Store, path: string, bytes: Uint8Array): Promise<boolean> => {
  const compared = comparedPutsOf(to);
  if (compared) return await compared.putCompared(path, bytes);
  await to.put(path, bytes);
  return false;
};

const copyLarge = async (
  file: ListedFile,
  from: Store,
  size: number,
  context: CopyContext,
): Promise<MirrorCopy> => {
  const { to, signal } = context;
  const type = file.checksum?.type ?? usualType;
  const hash = startHash(type);
  const [written] = await putStream([to], file.path, hashed(file, from, size, hash, signal), context);
  if (written === undefined || written instanceof Error) throw written ?? new Error('not written');
  const checksum = hash.digest('hex');
  await commitIfGood(file, written, checksum);
  const copy: MirrorCopy = { sizeBytes: size, checksumType: type, checksum };
  const isGood = async (): Promise<boolean> =>
    (await isKnownAsGood(to, file.path, copy, signal)) || (await compareCopy(to, file.path, copy, signal));
  await keepIfGood(to, file.path, copy, isGood);
  return copy;
};

async function* hashed(
  { key }: ListedFile,
  from: Store,
  size: number,
  hash: Hash,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of readSized(from, { key, size }, signal)) {
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw readFailure(error);
  }
}

/** What is not as it was listed never gets its name. */
const commitIfGood = async (file: ListedFile, written: Written, checksum: string): Promise<void> => {
  try {
    checkAsListed(file, checksum);
    await written.commit();
  } catch (error) {
    await written.abort();
    throw error;
  }
};

const checkAsListed = ({ checksum: listed }: ListedFile, found: string): void => {
  if (listed === undefined || listed.value === found) return;
  throw new ReadFailure('unreadable', {
    cause: new HoldfastError(
      'ITEM_CHANGED',
      `its ${listed.type} is ${found}, and ${listed.value} is listed`,
      { hint: 'it was damaged or replaced where it is kept: bring back the right one' },
    ),
  });
};

/** A copy that is not what was written is removed: nobody should take it for one. */
const keepIfGood = async (
  to: Store,
  path: string,
  copy: MirrorCopy,
  isGood: () => Promise<boolean>,
): Promise<void> => {
  if (await isGood()) return;
  await (copy.sizeBytes > smallBytes ? largeObjectsOf(to)?.deleteLarge(path) : undefined);
  await to.delete(path);
  throw new HoldfastError('STORE_DENIED', `${to.location}: what was read back is not what was written`, {
    hint: 'check the disks and the line of that store; the copy was removed',
  });
};
