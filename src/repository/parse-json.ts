// JSON that may be anything: what a schema is held against.
import { bufferOf } from '#lib/buffer-of.ts';

/** The value of JSON text; undefined, which no schema takes, when the bytes are none. */
export const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(bufferOf(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
};
