// Keys made from passwords by scrypt, which lasts as long as everything else in a short command.
import { hash, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { early } from '#lib/concurrency.ts';
import { parseJson } from '../parse-json.ts';
import type { SealKey } from './seal.ts';

/** What scrypt is to make of a password, as a key file has it. */
export interface Derivation {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
}

/**
 * Scrypt takes 128 bytes for each N·r, a gigabyte here, and about a second for four million N·r·p. Whoever can write into the store can
 * write a key file: it must not use up the machine that reads it.
 */
const mostBlocks = 2 ** 23;
const mostWork = 2 ** 25;

export const isAffordable = ({ N, r, p }: Derivation): boolean =>
  N * r <= mostBlocks && N * r * p <= mostWork;

/** Those begun ahead, by what they are made of, until somebody asks for them. */
const begun = new Map<string, Promise<SealKey>>();

/** The key that seals a key file's content. Takes a tenth of a second and more of another thread, unless it was begun ahead. */
export const deriveKey = (password: string, derivation: Derivation): Promise<SealKey> => {
  const label = labelOf(password, derivation);
  const ahead = begun.get(label);
  begun.delete(label);
  return ahead ?? scryptKey(password, derivation);
};

/** Begins what `deriveKey` will be asked for with this key file, if it is one. */
export const deriveAhead = (password: string, keyFile: Uint8Array): void => {
  const { N, r, p, salt } = (parseJson(keyFile) ?? {}) as Record<string, unknown>;
  if (typeof N !== 'number' || typeof r !== 'number' || typeof p !== 'number' || typeof salt !== 'string')
    return;
  const derivation = { N, r, p, salt: Buffer.from(salt, 'base64') };
  if (isAffordable(derivation))
    begun.set(labelOf(password, derivation), early(scryptKey(password, derivation)));
};

const labelOf = (password: string, { N, r, p, salt }: Derivation): string =>
  hash('sha256', JSON.stringify([N, r, p, salt.toString('base64'), password]));

const scryptAsync = promisify<
  string,
  Buffer,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt);

const scryptKey = async (password: string, { salt, N, r, p }: Derivation): Promise<SealKey> => {
  const bytes = await scryptAsync(password, salt, 64, { N, r, p, maxmem: 256 * N * r });
  return { encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) };
};
