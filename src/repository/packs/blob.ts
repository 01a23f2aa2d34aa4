// Blobs: the pieces content is cut into. A blob is named by the SHA-256 of its plaintext, together with its type.

export type BlobType = 'data' | 'tree';

/** Bytes of a SHA-256. */
export const idBytes = 32;

export const idFromHex = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** 64 lowercase hex digits. */
export const isId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

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

/**
 * Larger content no program that writes repositories gives a blob: files are cut at some megabytes, and a folder in which a file has
 * millions of blobs takes a gigabyte at most. What is packed so small that it becomes more is made to fill the memory of its reader.
 */
const mostPlainBytes: Readonly<Record<BlobType, number>> = { data: 2 ** 28, tree: 2 ** 30 };

/** Why a blob is not even unpacked. */
export const tooLarge = (
  type: BlobType,
  { plainLength }: Pick<BlobLocation, 'plainLength'>,
): string | undefined =>
  plainLength > mostPlainBytes[type]
    ? `it is to become ${plainLength} bytes, and no ${type} blob has more than ${mostPlainBytes[type]}`
    : undefined;

/** A pack's key in the store. */
export const packKey = (id: string): string => `data/${id.slice(0, 2)}/${id}`;

/** The pack that has this key; undefined for what is none, and for one that lies where nobody looks for it. */
export const packIdOf = (key: string): string | undefined => {
  const id = key.slice(key.lastIndexOf('/') + 1);
  return isId(id) && key === packKey(id) ? id : undefined;
};
