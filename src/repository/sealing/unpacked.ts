// The small encrypted files beside the packs (index, snapshots, locks): JSON, compressed, sealed, named by their SHA-256.
import { hash } from 'node:crypto';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Store } from '#stores/store.ts';
import { isId } from '../packs/blob.ts';
import { compress, decompressUnknown } from './compression.ts';
import type { Sealer } from './seal.ts';

export type UnpackedFolder = 'index' | 'snapshots' | 'locks';

const version2 = 0x02;
const rawJson = [0x5b, 0x7b]; // '[' and '{': what version 1 wrote

/** Stores the value and returns its id. A lock stays plain JSON, because a restic that opens version 1 knows nothing else. */
export const saveUnpacked = async (
  store: Store,
  sealer: Sealer,
  folder: UnpackedFolder,
  value: unknown,
): Promise<string> => {
  const json = Buffer.from(JSON.stringify(value));
  const plain = folder === 'locks' ? json : Buffer.concat([Buffer.of(version2), compress(json, 3)]);
  const sealed = sealer.seal(plain);
  const id = hash('sha256', sealed, 'hex');
  await store.put(`${folder}/${id}`, sealed);
  return id;
};

/** Reads one back. REPOSITORY_DAMAGED when its name, its seal or its content is wrong. */
export const loadUnpacked = async (
  store: Store,
  sealer: Sealer,
  folder: UnpackedFolder,
  id: string,
): Promise<unknown> => (await fetchUnpacked(store, sealer, folder, id))();

/** The same in two steps: what it resolves to opens what was fetched, which takes far more memory. */
export const fetchUnpacked = async (
  store: Store,
  sealer: Sealer,
  folder: UnpackedFolder,
  id: string,
): Promise<() => unknown> => {
  const key = `${folder}/${id}`;
  const damaged = (why: string): HoldfastError =>
    new HoldfastError('REPOSITORY_DAMAGED', `${key} is damaged: ${why}`, {
      hint: folder === 'index' ? '`holdfast repair index` makes the index anew from the packs' : undefined,
    });
  const sealed = await getNamed(store, `${folder}/`, id);
  if (!sealed) throw damaged('its content does not fit its name');
  return () => decodeUnpacked(sealer.open(sealed, key), damaged);
};

/** The object of that name and SHA-256; read twice when need be, for the line may be at fault and not the store. Undefined when it does not fit. */
export const getNamed = async (store: Store, folder: string, id: string): Promise<Uint8Array | undefined> => {
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const bytes = await store.get(`${folder}${id}`);
    if (hash('sha256', bytes, 'hex') === id) return bytes;
  }
  return undefined;
};

const decodeUnpacked = (plain: Buffer, damaged: (why: string) => HoldfastError): unknown => {
  try {
    if (rawJson.includes(plain[0] ?? 0)) return JSON.parse(plain.toString('utf8'));
    if (plain[0] !== version2) throw new Error(`it begins with the unknown format ${plain[0]}`);
    return JSON.parse(decompressUnknown(plain.subarray(1)).toString('utf8'));
  } catch (cause) {
    throw damaged(cause instanceof Error ? cause.message : String(cause));
  }
};

/** The ids of a folder's files; names that are no ids (temporary files of others) are passed over, and locks that are still empty. */
export const listIds = async (store: Store, folder: UnpackedFolder | 'keys'): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { key, size } of store.list(`${folder}/`)) {
    const id = key.slice(folder.length + 1);
    if (isId(id) && (size > 0 || folder !== 'locks')) ids.push(id);
  }
  return ids;
};

/** Asks for what a listing may not have yet: some stores list with a delay. */
export const isThere = async (store: Store, key: string): Promise<boolean> => {
  try {
    await store.get(key, { offset: 0, length: 1 });
    return true;
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return false;
    throw error;
  }
};

/** A store that cannot be read at this moment has lost nothing: that is an error, and no damage. */
export const unlessDamaged = <Loaded>(loading: Promise<Loaded>): Promise<Loaded | undefined> =>
  loading.catch((error: unknown) => {
    if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
    return undefined;
  });
