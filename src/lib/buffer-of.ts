// Bytes as Node has them.

/** The same bytes as a Buffer: a view of them, no copy. */
export const bufferOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
