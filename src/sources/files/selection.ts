// What of a folder tree goes into the snapshot, by restic's rules. The folders and files that were asked for by name
// (`path`, `paths`) are never left out themselves.
import { closeSync, openSync, readSync } from 'node:fs';
import { fsPath } from '#lib/file-name.ts';
import { withoutWaiting } from '#lib/without-waiting.ts';
import type { FilesConfig } from './options.ts';
import { readPatternFiles } from './pattern-file.ts';
import { compilePatterns } from './patterns.ts';

export interface Selection {
  /** By its absolute path alone, before anything is asked of the file system. */
  excludesPath(path: string): boolean;
  excludesSize(size: number): boolean;
  /** The names that stay of a folder (its path ends in «/») that may be marked as a cache, or as not to be saved. */
  namesKept(folder: string, names: readonly string[]): readonly string[];
}

type Options = Pick<
  FilesConfig,
  | 'exclude'
  | 'iexclude'
  | 'excludeFile'
  | 'iexcludeFile'
  | 'excludeIfPresent'
  | 'excludeCaches'
  | 'excludeLargerThan'
>;

/** CONFIG_INVALID for a malformed pattern, or a file of patterns that cannot be read. */
export const selectionOf = (options: Options): Selection => {
  const lists = [
    { texts: [...options.exclude, ...readPatternFiles(options.excludeFile)], ignoreCase: false },
    { texts: [...options.iexclude, ...readPatternFiles(options.iexcludeFile)], ignoreCase: true },
  ];
  const patterns = lists
    .filter(({ texts }) => texts.length > 0)
    .map(({ texts, ignoreCase }) => compilePatterns(texts, { ignoreCase }));
  const marks = [...options.excludeIfPresent.map(parseMark), ...(options.excludeCaches ? [cacheMark] : [])];
  const limit = options.excludeLargerThan ?? Number.POSITIVE_INFINITY;
  return {
    excludesPath: (path) => patterns.some((list) => list.matches(path)),
    excludesSize: (size) => size > limit,
    namesKept: (folder, names) => {
      const present = marks.filter((mark) => names.includes(mark.name) && isMarked(folder, mark));
      return present.length === 0
        ? names
        : names.filter((name) => present.every((mark) => mark.name === name));
    },
  };
};

/** A file whose presence excludes its neighbours; `header`, when not empty, is what it must begin with. */
interface Mark {
  readonly name: string;
  readonly header: Buffer;
}

/** https://bford.info/cachedir/ */
const cacheMark: Mark = {
  name: 'CACHEDIR.TAG',
  header: Buffer.from('Signature: 8a477f597d28d172789f06886806bc55'),
};

const parseMark = (text: string): Mark => {
  const colon = text.indexOf(':', 1);
  return colon < 0
    ? { name: text, header: Buffer.alloc(0) }
    : { name: text.slice(0, colon), header: Buffer.from(text.slice(colon + 1)) };
};

/** A mark that cannot be read does not count: rather a file too many in the backup than one too few. */
const isMarked = (folder: string, { name, header }: Mark): boolean => {
  if (header.length === 0) return true;
  try {
    const file = openSync(fsPath(`${folder}${name}`), withoutWaiting);
    try {
      const beginning = Buffer.alloc(header.length);
      return readSync(file, beginning, 0, header.length, 0) === header.length && beginning.equals(header);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
};
