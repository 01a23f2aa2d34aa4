// JSON that may be anything: what a schema is held against.

/** The value of JSON text; undefined, which no schema takes, when the bytes are none. */
export const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
};
