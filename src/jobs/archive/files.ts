// The files of archive jobs in a store: how they come to be there, and which of them a job made.
import { posix } from 'node:path';
import { withoutAddedEnding } from '#archive/format.ts';
import { nameTemplate, type WordField } from '#archive/name.ts';
import type { Written } from '#archive/put-stream.ts';
import { sizeOf } from '#archive/read-object.ts';
import { hasCode } from '#lib/errors.ts';
import { largeObjectsOf, type Store, type StoredObject } from '#stores/store.ts';

/** A file that one store has. */
export interface StoredFile {
  readonly file: string;
  /** Where the store is. */
  readonly store: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** How a file fared in one store. */
export type ArchivedFile =
  | StoredFile
  | (Pick<StoredFile, 'file' | 'store'> & {
      readonly error: Error;
    });

const checksumEnding = '.sha256';

/**
 * Gives the file its name, and its checksum beside it (as sha256sum has it). The checksum comes first, so that no file is without; in
 * the place of another file of ours it stands beside that one's until the new file is there, so that neither ever has a wrong one only.
 */
export const commitFile = async ({ store, key, sha256, commit }: Written): Promise<void> => {
  const put = (sums: readonly string[]) =>
    store.put(
      `${key}${checksumEnding}`,
      Buffer.from([...new Set(sums)].map((sum) => lineOf(key, sum)).join('')),
    );
  const replaces = await exists(store, key);
  const before = await checksumsOf(store, key);
  const isForeign = replaces && before.length === 0;
  if (!isForeign) await put([...before, sha256]);
  try {
    await commit();
  } catch (error) {
    // Perhaps only the answer was lost: a checksum without its file does no harm, a file without its checksum is found no more.
    if (!replaces && before.length === 0 && (await isMissing(store, key)))
      await store.delete(`${key}${checksumEnding}`).catch(() => {});
    throw error;
  }
  if (replaces || before.length > 0) await put([sha256]);
};

const lineOf = (key: string, sha256: string): string => `${sha256}  ${posix.basename(key)}\n`;

const exists = async (store: Store, key: string): Promise<boolean> => {
  try {
    await sizeOf(store, key);
    return true;
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return false;
    throw error;
  }
};

/** For sure. */
const isMissing = (store: Store, key: string): Promise<boolean> =>
  exists(store, key).then(
    (isThere) => !isThere,
    () => false,
  );

/** The checksums beside a file, of which one is its own: two where a run was broken off that replaced it. None where they are not ours. */
export const checksumsOf = async (store: Store, key: string): Promise<string[]> => {
  try {
    const text = Buffer.from(await store.get(`${key}${checksumEnding}`)).toString('utf8');
    const sums = text.split('\n').map((line) => line.slice(0, 64));
    sums.pop();
    const isOurs =
      sums.every((sum) => /^[0-9a-f]{64}$/.test(sum)) &&
      text === sums.map((sum) => lineOf(key, sum)).join('');
    return isOurs ? sums : [];
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return [];
    throw error;
  }
};

/** Removes a file before its checksum: without it, the checksum means nothing. */
export const removeFile = async (store: Store, key: string): Promise<void> => {
  await (largeObjectsOf(store)?.deleteLarge(key) ?? store.delete(key));
  await store.delete(`${key}${checksumEnding}`);
};

export interface OwnFile extends StoredObject {
  readonly time: Date;
  /** Files of the same group stand for one another as time goes by. */
  readonly group: string;
}

export interface OwnFiles {
  readonly name: string;
  readonly words: Readonly<Record<WordField, readonly string[] | 'any'>>;
}

/** The files whose names the template made and that have our checksum beside them, oldest first. */
export const ownFiles = async (store: Store, { name, words }: OwnFiles): Promise<OwnFile[]> => {
  const template = nameTemplate(name);
  const objects = await Array.fromAsync(store.list(fixedBeginning(name)));
  const withChecksum = new Set(
    objects
      .filter(({ key }) => key.endsWith(checksumEnding))
      .filter(({ key, size }) => isLengthOfLines(size, key.slice(0, -checksumEnding.length)))
      .map(({ key }) => key.slice(0, -checksumEnding.length)),
  );
  return objects
    .flatMap((object): OwnFile[] => {
      const found =
        withChecksum.has(object.key) && template.parse(withoutAddedEnding(object.key, name), words);
      return found ? [{ ...object, ...found }] : [];
    })
    .toSorted((a, b) => a.time.getTime() - b.time.getTime() || (a.key < b.key ? -1 : 1));
};

/** What is as long as our lines is seen to be ours when it is read. */
const isLengthOfLines = (sizeBytes: number, key: string): boolean =>
  sizeBytes > 0 && sizeBytes % Buffer.byteLength(lineOf(key, '0'.repeat(64))) === 0;

/** What a listing must begin with. */
const fixedBeginning = (name: string): string => /^[^{]*/.exec(name)?.[0] ?? '';
