// The files of archive jobs in a store: how they come to be there, and which of them a job made.
import { withoutAddedEnding } from '#archive/format.ts';
import { nameTemplate, type WordField } from '#archive/name.ts';
import type { Written } from '#archive/put-stream.ts';
import { sizeOf } from '#archive/read-object.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { largeObjectsOf, type Store, type StoredObject } from '#stores/store.ts';
import { checksumEnding, checksumsOf, putChecksums, withChecksums } from './checksum.ts';
import { isSameOwner, markOf, ownerText, putMark, readMark } from './owner.ts';
import { type Ownership, sizeOfOwn, type Whose, whoseIs } from './ownership.ts';

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

/**
 * Gives the file its name, and beside it the mark of its owner and its checksum. These come first, so that no file is without; in the
 * place of another of ours, its checksum stands beside that one's until it is there, so that neither ever has a wrong one only.
 */
export const commitFile = async (
  { store, key, sha256, commit }: Written,
  ownership: Ownership,
): Promise<void> => {
  const replaces = (await sizeOfOwn(store, key, ownership)) !== undefined;
  const before = await checksumsOf(store, key);
  const tidily = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // Perhaps only the answer was lost: a checksum without its file does no harm, a file without its checksum is found no more.
      if (!replaces && before.length === 0 && (await isMissing(store, key)))
        await removeBeside(store, key).catch(() => {});
      throw error;
    }
  };
  await putMark(store, key, ownership.owner);
  await tidily(() => putChecksums(store, key, [...before, sha256])); // as where the disk is full
  await assertStillOurs(store, key, ownership);
  await tidily(commit);
  await assertStillOurs(store, key, ownership);
  if ((await checksumsOf(store, key)).join() !== sha256) await putChecksums(store, key, [sha256]);
};

/** For sure. */
const isMissing = (store: Store, key: string): Promise<boolean> =>
  sizeOf(store, key).then(
    () => false,
    (error: unknown) => hasCode(error, 'OBJECT_MISSING'),
  );

/** Not every store tells one who finds a name free that another has just found it so: whoever marked it last has it. */
const assertStillOurs = async (store: Store, key: string, { owner }: Ownership): Promise<void> => {
  const mark = await readMark(store, key);
  if (typeof mark === 'object' && isSameOwner(mark, owner)) return;
  const whom = typeof mark === 'object' ? ownerText(mark) : 'another';
  throw new HoldfastError('FAILED', `${store.location}: ${whom} took the name ${key} at the same moment`, {
    hint: 'put {host} or {job} into "name", or let "to" be a folder of its own, and run the job again',
  });
};

/** Removes a file before what lies beside it: without it, that means nothing. */
export const removeFile = async (store: Store, key: string): Promise<void> => {
  await (largeObjectsOf(store)?.deleteLarge(key) ?? store.delete(key));
  await removeBeside(store, key);
};

const removeBeside = async (store: Store, key: string): Promise<void> => {
  await store.delete(`${key}${checksumEnding}`);
  await store.delete(markOf(key));
};

export interface OwnFile extends StoredObject {
  readonly time: Date;
  /** Files of the same group stand for one another as time goes by. */
  readonly group: string;
  readonly whose: Whose;
}

export interface OwnFiles {
  readonly words: Readonly<Record<WordField, readonly string[] | 'any'>>;
  readonly ownership: Ownership;
}

/** The files whose names the template may have made and that have our checksum beside them, oldest first, and whose they are. */
export const filesLikeOwn = async (store: Store, { words, ownership }: OwnFiles): Promise<OwnFile[]> => {
  const { name } = ownership;
  const template = nameTemplate(name);
  const objects = await Array.fromAsync(store.list(fixedBeginning(name)));
  const sizes = new Map(objects.map(({ key, size }) => [key, size]));
  const named = withChecksums(objects).flatMap((object) => {
    const found = template.parse(withoutAddedEnding(object.key, name), words);
    return found ? [{ ...object, ...found }] : [];
  });
  const files = mapOrdered(named, store.connections, async (file): Promise<OwnFile> => {
    const markBytes = sizes.get(markOf(file.key));
    const mark = markBytes === undefined ? undefined : await readMark(store, file.key, markBytes);
    return { ...file, whose: whoseIs(mark, store, file, ownership) };
  });
  return (await Array.fromAsync(files)).toSorted(
    (a, b) => a.time.getTime() - b.time.getTime() || (a.key < b.key ? -1 : 1),
  );
};

/** What a listing must begin with. */
export const fixedBeginning = (name: string): string => /^[^{]*/.exec(name)?.[0] ?? '';
