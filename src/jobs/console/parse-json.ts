// What bulletins and orders are written in.
import { HoldfastError } from '#lib/errors.ts';

/** FAILED, as a sentence without a subject, for what is no JSON in UTF-8; nothing of it is repeated. */
export const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new HoldfastError('FAILED', 'it is no JSON', { cause });
  }
};
