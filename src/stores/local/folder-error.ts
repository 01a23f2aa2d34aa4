// What an error of the file system means for whoever keeps backups there.
import { HoldfastError, messageOf, systemCode } from '#lib/errors.ts';
import { fileLimitHint } from '#lib/file-limit.ts';
import { type Meaning, onlyReads } from '../meaning.ts';

/** The store's error for a failed call on one of its files. */
export const folderError = (cause: unknown, doing: string, folder: string, key: string): HoldfastError => {
  const { code, hint } = meaningOf(systemCode(cause) ?? '', onlyReads(doing));
  return new HoldfastError(code, `${folder}: cannot ${doing} ${key}: ${messageOf(cause)}`, { cause, hint });
};

const meaningOf = (code: string, reads: boolean): Meaning => {
  const found = meanings[code] ?? broken;
  return found === denied && reads ? unreadable : found;
};

const full: Meaning = {
  code: 'STORE_FULL',
  hint: 'make room on the file system or raise the quota; what is stored stays whole, and the next run goes on from it',
};
const denied: Meaning = {
  code: 'STORE_DENIED',
  hint: 'let the user that runs Holdfast write in this folder',
};
const unreadable: Meaning = {
  code: 'STORE_DENIED',
  hint: 'let the user that runs Holdfast read it',
};
const readOnly: Meaning = {
  code: 'STORE_DENIED',
  hint: 'mount the file system so that it can be written to',
};
const notFolder: Meaning = {
  code: 'STORE_DENIED',
  hint: 'something that is not a folder stands where the store needs one: move it away or choose another path',
};
const isFolder: Meaning = {
  code: 'STORE_DENIED',
  hint: 'a folder stands where the store needs a file of that name: move one of them away',
};
const tooManyOpen: Meaning = {
  code: 'STORE_UNREACHABLE',
  hint: fileLimitHint,
};
const broken: Meaning = {
  code: 'STORE_UNREACHABLE',
  hint: 'check the disk or the mount (`dmesg`, `mount`) and try again',
};

const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: full,
  EDQUOT: full,
  EFBIG: full,
  EACCES: denied,
  EPERM: denied,
  EROFS: readOnly,
  EMFILE: tooManyOpen,
  ENFILE: tooManyOpen,
  ENOTDIR: notFolder,
  EEXIST: notFolder,
  EISDIR: isFolder,
  ENOTEMPTY: isFolder,
  ELOOP: notFolder,
  ENAMETOOLONG: { code: 'STORE_DENIED', hint: 'choose a shorter name' },
};
