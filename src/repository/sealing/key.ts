// Key files: the repository's master key, sealed with a key made from a password by scrypt. Plain JSON in keys/.
import { hash, hkdfSync, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import { userName } from '#lib/home.ts';
import type { Store } from '#stores/store.ts';
import type { RepositoryKey } from '../contract.ts';
import { parseJson } from '../parse-json.ts';
import { deriveKey, isAffordable } from './derive-key.ts';
import { Sealer, type SealKey } from './seal.ts';
import { getNamed, listIds } from './unpacked.ts';

const base64 = z.string().transform((text) => Buffer.from(text, 'base64'));
const cost = z.number().int().positive();
const keyFile = z.object({
  created: z.coerce.date().optional().catch(undefined),
  username: z.string().default(''),
  hostname: z.string().default(''),
  kdf: z.literal('scrypt'),
  N: cost.max(2 ** 24),
  r: cost.max(1024),
  p: cost.max(1024),
  salt: base64,
  data: base64,
});
const bytes = (length: number) => base64.refine((value) => value.length === length);
const masterKey = z.object({ mac: z.object({ k: bytes(16), r: bytes(16) }), encrypt: bytes(32) });

/** 64 MiB and about 0.1 s: what restic's own calibration arrives at, with one pass. */
const scryptCost = { N: 65_536, r: 8, p: 1 };

/** Restic tries no more key files than this. */
const mostKeys = 20;

/** A new random key for a new repository. */
export const newMasterKey = (): SealKey => ({
  encrypt: randomBytes(32),
  macK: randomBytes(16),
  macR: randomBytes(16),
});

/** 16 hex digits by which a repository's key is recognized; the key cannot be found from them. */
export const checkValueOf = ({ encrypt, macK, macR }: SealKey): string =>
  Buffer.from(hkdfSync('sha256', Buffer.concat([encrypt, macK, macR]), '', 'holdfast key check', 8)).toString(
    'hex',
  );

/** Stores the master key under a password that restic reads alike, else USAGE, and returns the key file's id. */
export const addKey = async (
  store: Store,
  password: string,
  master: SealKey,
  created: Date,
  cost = scryptCost,
): Promise<string> => {
  refuseUnlikeRestic(password);
  const salt = randomBytes(64);
  const plain = {
    mac: { k: toBase64(master.macK), r: toBase64(master.macR) },
    encrypt: toBase64(master.encrypt),
  };
  const sealer = new Sealer(await deriveKey(password, { ...cost, salt }));
  const file = {
    created: created.toISOString(),
    username: userName(),
    hostname: hostname(),
    kdf: 'scrypt',
    ...cost,
    salt: toBase64(salt),
    data: toBase64(sealer.seal(Buffer.from(JSON.stringify(plain)))),
  };
  const bytes = Buffer.from(JSON.stringify(file));
  const id = hash('sha256', bytes, 'hex');
  await store.put(`keys/${id}`, bytes);
  return id;
};

/** Throws USAGE where restic might not come to try one more key: its password would open nothing there. */
export const refuseTooManyKeys = async (store: Store): Promise<void> => {
  const { length } = await listIds(store, 'keys');
  if (length < mostKeys) return;
  throw new HoldfastError('USAGE', `the repository at ${store.location} has ${length} keys already`, {
    hint: `restic tries no more than ${mostKeys}: remove one with \`holdfast key remove\``,
  });
};

/** Restic takes the bytes of a password file as they are, but for blanks around them: such a password would open nothing there. */
const refuseUnlikeRestic = (password: string): void => {
  const hint = '`openssl rand -base64 32` makes one that every program reads alike';
  if (password.includes('\ufffd'))
    throw new HoldfastError(
      'USAGE',
      'the new password is not text in UTF-8: restic could not open the repository with it',
      { hint },
    );
  if (password !== password.trim())
    throw new HoldfastError(
      'USAGE',
      'the new password begins or ends with a blank or a newline, which restic leaves out when it reads a file',
      { hint },
    );
};

/**
 * The master keys that the password opens, nearly always one. WRONG_PASSWORD when no key file fits, REPOSITORY_DAMAGED when none can be
 * read. `meanwhile` is called as a key begins to be derived, which keeps another thread busy for a tenth of a second.
 */
export async function* openKeys(
  store: Store,
  password: string,
  ids: readonly string[],
  meanwhile: () => void = () => {},
): AsyncGenerator<{ readonly id: string; readonly master: SealKey }> {
  let damage: HoldfastError | undefined;
  let isOpen = false;
  for (const id of ids) {
    try {
      const master = await openKey(store, id, password, meanwhile);
      if (!master) continue;
      isOpen = true;
      yield { id, master };
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'REPOSITORY_DAMAGED') throw error;
      damage ??= error;
    }
  }
  if (isOpen) return;
  if (damage) throw damage;
  throw new HoldfastError('WRONG_PASSWORD', `wrong password for the repository at ${store.location}`, {
    hint: hintFor(password, ids.length),
  });
}

const hintFor = (password: string, keys: number): string => {
  if (keys === 0) return 'the repository has no key file at all';
  const hint = 'no key of the repository opens with it';
  if (password === password.trim()) return hint;
  return `${hint}; it begins or ends with a blank or a newline, which restic leaves out when it reads a file or a command`;
};

/** Every key file, without opening it. A damaged one is an error, or, with `onDamaged`, left out. */
export const listKeys = async (
  store: Store,
  current: string,
  onDamaged?: (error: HoldfastError) => void,
): Promise<RepositoryKey[]> => {
  const keys: RepositoryKey[] = [];
  for (const id of await listIds(store, 'keys')) {
    try {
      const { username, hostname: host, created } = await readKey(store, id);
      keys.push({ id, username, hostname: host, ...(created && { created }), current: id === current });
    } catch (error) {
      if (!onDamaged || !hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      onDamaged(error);
    }
  }
  return keys;
};

/** Takes a key file away; FAILED for the one in use, USAGE for one that is not there. `id` is a key's id or a unique beginning of it. */
export const removeKey = async (store: Store, id: string, current: string): Promise<void> => {
  const ids = await listIds(store, 'keys');
  if (!ids.includes(current))
    throw new HoldfastError('FAILED', `key ${shortId(current)}, which is in use, was removed meanwhile`, {
      hint: 'nothing was removed: without a key nobody could open the repository any more',
    });
  const found = ids.filter((key) => key.startsWith(id));
  if (found.length !== 1)
    throw new HoldfastError(
      'USAGE',
      `${found.length === 0 ? 'no key has' : 'several keys have'} the id ${id}`,
      {
        hint: '`holdfast key list` shows them',
      },
    );
  if (found[0] === current)
    throw new HoldfastError('FAILED', `key ${id} is the one in use and cannot be removed`, {
      hint: 'open the repository with another key, or change the password with `holdfast key passwd`',
    });
  await store.delete(`keys/${found[0]}`);
};

/** What is wrong with the key files, a sentence each; their passwords are not needed. */
export const checkKeys = async (store: Store): Promise<string[]> => {
  const problems: string[] = [];
  for (const id of await listIds(store, 'keys'))
    await readKey(store, id).catch((error: unknown) => {
      if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
      problems.push(error.message);
    });
  return problems;
};

const openKey = async (
  store: Store,
  id: string,
  password: string,
  meanwhile: () => void,
): Promise<SealKey | undefined> => {
  const file = await readKey(store, id);
  if (!isAffordable(file))
    throw damaged(id, 'to try a password it asks for more memory or time than any program would');
  const deriving = deriveKey(password, file);
  meanwhile();
  const key = await deriving.catch((cause: unknown) => {
    throw damaged(id, `its password cannot be tried: ${messageOf(cause)}`);
  });
  const plain = new Sealer(key).tryOpen(file.data);
  if (!plain) return undefined;
  const master = masterKey.safeParse(parseJson(plain));
  if (!master.success) throw damaged(id, 'it holds no master key');
  return { encrypt: master.data.encrypt, macK: master.data.mac.k, macR: master.data.mac.r };
};

const readKey = async (store: Store, id: string): Promise<z.infer<typeof keyFile>> => {
  const bytes = await getNamed(store, 'keys/', id);
  if (!bytes) throw damaged(id, 'its content does not fit its name');
  const file = keyFile.safeParse(parseJson(bytes));
  if (!file.success) throw damaged(id, 'it is not a key file');
  return file.data;
};

const damaged = (id: string, why: string): HoldfastError =>
  new HoldfastError('REPOSITORY_DAMAGED', `keys/${id} is damaged: ${why}`);

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
