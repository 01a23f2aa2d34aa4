// Blobs: the pieces content is cut into. A blob is named by the SHA-256 of its plaintext, together with its type.

export type BlobType = 'data' | 'tree';

/** Bytes of a SHA-256. */
export const idBytes = 32;

export const idToHex = (id: Uint8Array): string =>
  Buffer.from(id.buffer, id.byteOffset, idBytes).toString('hex');

export const idFromHex = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** 64 lowercase hex digits. */
export const isId = (text: string): boolean => {
  if (text.length !== 2 * idBytes) return false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return true;
};

/** Where a blob lies: sealed bytes in a pack. `plainLength` is 0 when the blob is not compressed. */
export interface BlobLocation {
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  readonly plainLength: number;
}

/** A pack's contents, in order: what its header and an index say of it. */
export interface PackEntry {
  readonly id: string;
  readonly type: BlobType;
  readonly offset: number;
  readonly length: number;
  readonly plainLength: number;
}

/** A pack's key in the store. */
export const packKey = (id: string): string => `data/${id.slice(0, 2)}/${id}`;
