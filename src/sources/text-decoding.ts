// Text in the encodings of servers, as far as the WHATWG's decoders know them (https://encoding.spec.whatwg.org).

/** What reads text in an encoding that `TextDecoder` knows by this label. Undefined for bytes that are no such text. */
export const textDecoder = (label: string): ((bytes: Uint8Array) => string | undefined) => {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  };
};
