// Checksums as listings give them: MD5, SHA-1, SHA-256 and SHA-512, in hexadecimal digits.
import { createHash, type Hash } from 'node:crypto';
import type { ChecksumAlgorithm } from '#stores/store.ts';

/** The names by which they are known here, with the lengths of their values. */
const lengths = { MD5: 32, 'SHA-1': 40, 'SHA-256': 64, 'SHA-512': 128 } as const;

export type ChecksumType = keyof typeof lengths;

export interface Checksum {
  readonly type: ChecksumType;
  /** Lower-case hexadecimal digits. */
  readonly value: string;
}

/** However people write them: 'sha1', 'SHA-1', 'SHA_256'; undefined for a type that is none of them, or a value that cannot be one. */
export const parseChecksum = (type: string, value: string): Checksum | undefined => {
  const plain = (text: string): string => text.replaceAll(/[-_ ]/g, '').toUpperCase();
  const known = checksumTypes.find((each) => plain(each) === plain(type));
  const digits = value.trim().toLowerCase();
  return known && digits.length === lengths[known] && /^[0-9a-f]+$/.test(digits)
    ? { type: known, value: digits }
    : undefined;
};

export const checksumTypes = Object.keys(lengths) as readonly ChecksumType[];

/** What a file without a checksum is known by, once it was read. */
export const usualType: ChecksumType = 'SHA-256';

const algorithms = { MD5: 'md5', 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const;

/** What stores call it. */
export const algorithmOf = (type: ChecksumType): ChecksumAlgorithm => algorithms[type];

export const startHash = (type: ChecksumType): Hash => createHash(algorithmOf(type));

/** The hexadecimal digits of a whole. */
export const checksumOf = (type: ChecksumType, bytes: Uint8Array): string =>
  startHash(type).update(bytes).digest('hex');
