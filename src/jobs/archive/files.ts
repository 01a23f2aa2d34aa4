// The files of archive jobs in a store: how they come to be there, and which of them a job made.
import { posix } from 'node:path';
import { formatOf } from '#archive/format.ts';
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
 * Gives the file its name, and its checksum beside it (as sha256sum has it). A new file's checksum comes first, so that no file is
 * without; that of a file in the place of another comes last, so that the old one never has a wrong one.
 */
export const commitFile = async ({ store, key, sha256, commit }: Written): Promise<void> => {
  const checksum = `${key}${checksumEnding}`;
  const put = () => store.put(checksum, Buffer.from(`${sha256}  ${posix.basename(key)}\n`));
  const replaces = await exists(store, key);
  if (replaces) await store.delete(checksum);
  else await put();
  try {
    await commit();
  } catch (error) {
    if (!replaces) await store.delete(checksum).catch(() => {}); // alone it does no harm
    throw error;
  }
  if (replaces) await put();
};

const exists = async (store: Store, key: string): Promise<boolean> => {
  try {
    await sizeOf(store, key);
    return true;
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return false;
    throw error;
  }
};

/** The checksum beside a file; undefined where there is none, or none of ours. */
export const checksumOf = async (store: Store, key: string): Promise<string | undefined> => {
  try {
    const text = Buffer.from(await store.get(`${key}${checksumEnding}`)).toString('utf8');
    const [, sum, name] = /^([0-9a-f]{64}) {2}(.*)\n$/.exec(text) ?? [];
    return name === posix.basename(key) ? sum : undefined;
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return undefined;
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

/** What a listing must begin with. */
const fixedBeginning = (name: string): string => /^[^{]*/.exec(name)?.[0] ?? '';

/** A template without an ending got one by what the source is, and one for encryption. */
const withoutAddedEnding = (key: string, template: string): string => {
  const plain = /\.age$/i.test(template) ? key : key.replace(/\.age$/, '');
  return formatOf(template) ? plain : plain.replace(/\.(tar|[a-z]+)\.gz$/, '');
};
