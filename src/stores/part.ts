// Answers to who asked for an object or part of it: something before the service may give a page of its own, or the service all of it.
import { checkRange } from './guard.ts';
import type { ByteRange } from './store.ts';

export interface PartAnswer {
  /** Of HTTP. */
  readonly status: number | undefined;
  /** 'bytes 0-9/256' */
  readonly contentRange: string | undefined;
  readonly bytes: Uint8Array;
}

/** The bytes, when they are those of the range; undefined for what is no answer to it. OBJECT_MISSING when it says that the object is shorter. */
export const partIn = (
  location: string,
  key: string,
  range: ByteRange,
  { status, contentRange, bytes }: PartAnswer,
): Uint8Array | undefined => {
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(contentRange ?? '') ?? [];
  const isPart = status === 206;
  const begins = isPart ? Number(first ?? range.offset) : 0;
  if (begins === range.offset && bytes.length === range.length) return bytes;
  if (isPart && total !== undefined && total !== '*') checkRange(location, key, range, Number(total));
  return undefined;
};

/** Whether an answer is a page for people in the place of what a repository keeps under that key, which would count as damaged. */
export const isPage = (key: string, contentType: string | undefined): boolean =>
  ofRepository.test(key) && /^text\/html\b/i.test(contentType ?? '');

const ofRepository = /^(?:config|(?:keys|locks|snapshots|index)\/[0-9a-f]{64})$/;
