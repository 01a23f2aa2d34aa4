// What every store checks before it works, and the errors all of them word alike.
import { HoldfastError } from '#lib/errors.ts';
import type { ByteRange } from './store.ts';
import { isTemporaryName } from './temporary-name.ts';

/** What a store asks before each of its calls. A call after it was closed is a mistake in the program, not in the store. */
export class Guard {
  readonly #location: string;
  readonly #checkKey: (key: string) => void;
  #isClosed = false;

  constructor(location: string, check: typeof checkKey = checkKey) {
    this.#location = location;
    this.#checkKey = check;
  }

  close(): void {
    this.#isClosed = true;
  }

  checkOpen(): void {
    if (this.#isClosed) throw new HoldfastError('FAILED', `${this.#location}: the store is closed`);
  }

  checkKey(key: string): void {
    this.checkOpen();
    this.#checkKey(key);
  }

  checkPrefix(prefix: string): void {
    this.checkOpen();
    checkPrefix(prefix);
  }
}

/** Throws PATH_UNSAFE for a key that could leave the store or that some store could not keep. */
export const checkKey = (key: string): void => {
  const safe = key !== '' && key.isWellFormed() && key.split('/').every(isSafeSegment);
  if (!safe) throw unsafe('key', key);
};

/** Like checkKey where objects are files, which have other names until they are whole. */
export const checkFileKey = (key: string): void => {
  checkKey(key);
  if (isTemporaryName(key))
    throw new HoldfastError('PATH_UNSAFE', `${key} is the name of an unfinished file, not of an object`, {
      hint: "choose a name that does not end in '-tmp-' and digits",
    });
};

/** Like checkKey for a prefix, whose last segment may be cut anywhere. */
const checkPrefix = (prefix: string): void => {
  const folders = prefix.split('/').slice(0, -1);
  if (!prefix.isWellFormed() || prefix.includes('\0') || !folders.every(isSafeSegment))
    throw unsafe('prefix', prefix);
};

/** Throws OBJECT_MISSING unless the range lies within an object of this size. */
export const checkRange = (location: string, key: string, range: ByteRange, sizeBytes: number): void => {
  const end = range.offset + range.length;
  if (range.offset >= 0 && range.length >= 0 && end <= sizeBytes) return;
  throw new HoldfastError(
    'OBJECT_MISSING',
    `${location}: ${key} has ${sizeBytes} bytes, bytes ${range.offset} to ${end} were asked for`,
    { hint: 'the object is shorter than what is recorded of it: run `holdfast check --read-data`' },
  );
};

/** The error for a key that the store does not have. */
export const missingObject = (location: string, key: string, cause?: unknown): HoldfastError =>
  new HoldfastError('OBJECT_MISSING', `${location}: there is no ${key}`, {
    hint: 'it was removed, or the store is not the one that was written to',
    cause,
  });

const isSafeSegment = (segment: string): boolean =>
  segment !== '' && segment !== '.' && segment !== '..' && !segment.includes('\0');

const unsafe = (what: string, value: string): HoldfastError =>
  new HoldfastError('PATH_UNSAFE', `${JSON.stringify(value)} cannot be the ${what} of a stored object`, {
    hint: "use names separated by '/', none of them empty, '.' or '..'",
  });
