// Where things lie in a snapshot of a database. In the order of their names they are also in the order of loading.
import { createHash } from 'node:crypto';
import { byBytes } from '#lib/byte-order.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { RestoreTarget } from '../source.ts';
import { foldName } from './identifiers.ts';

/** Settings and tables. */
export const createFile = 'create.sql';
/** Rows: a folder for each table, and for each virtual table with all that it keeps. */
export const dataFolder = 'data';
/** What is made when the rows are there: indexes, views, triggers, counters, statistics. */
export const finishFile = 'finish.sql';

/** The path of a table's rows. What a virtual table keeps (its shadow tables) lies together in the folder of its owner. */
export const dataPath = (table: string, owner?: string): string =>
  owner === undefined
    ? `${dataFolder}/${folderName(table)}/0000.sql`
    : `${dataFolder}/${folderName(owner)}/${folderName(table)}.sql`;

/** True when tables are named that are to come back, rather than all that the snapshot has. */
export const choosesTables = ({ selection }: Pick<RestoreTarget, 'selection'>): boolean =>
  selection?.some((path) => path.startsWith(`${dataFolder}/`)) ?? false;

/** Whose rows lie at a path. */
export interface Place {
  readonly table: string;
  readonly owner?: string;
}

/**
 * By path, where rows of these tables may lie. A table named like a shadow table has two places, because only the one
 * who made the dump knew whether it is one.
 */
export const placesOf = (
  tables: readonly string[],
  virtualTables: readonly string[],
): ReadonlyMap<string, Place> => {
  const places = new Map<string, Place>();
  for (const table of tables) {
    places.set(dataPath(table), { table });
    for (const owner of virtualTables)
      if (mayOwn(owner, table)) places.set(dataPath(table, owner), { table, owner });
  }
  return places;
};

/** Shadow tables are named after their virtual table: https://www.sqlite.org/vtab.html#the_xshadowname_method */
export const mayOwn = (owner: string, table: string): boolean =>
  foldName(table).startsWith(`${foldName(owner)}_`);

/** The order in which a depth-first reader of a file system would meet two paths: by the bytes of their components. */
export const byPath = (a: string, b: string): number => {
  const left = a.split('/');
  const right = b.split('/');
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const order = byBytes(left[at] as string, right[at] as string);
    if (order !== 0) return order;
  }
  return left.length - right.length;
};

/** Throws PATH_UNSAFE for a path that no dump has: one that leads elsewhere. */
export const assertSafePath = (path: string): void => {
  const unsafe = path.includes('\0') || path.split('/').some((part) => ['', '.', '..'].includes(part));
  if (path !== '' && unsafe)
    throw new HoldfastError('PATH_UNSAFE', `the snapshot has the unsafe path ${JSON.stringify(path)}`, {
      hint: 'it was not made by Holdfast as it is; restore from another snapshot',
    });
};

/** A table's name as the name of a folder: percent signs, slashes, control characters and a leading dot are written %XX. */
const folderName = (table: string): string => {
  if (table === '') return '%';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not stand in a file's name
  const name = table.replaceAll(/[%/\\\u0000-\u001f\u007f]|^\./g, percent);
  if (Buffer.byteLength(name) <= longestName) return name;
  const digest = createHash('sha256').update(table).digest('hex').slice(0, 16);
  return `${Array.from(name).slice(0, 40).join('')}%~${digest}`;
};

const percent = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** Leaves room for '.sql' in the 255 bytes that file systems allow. */
const longestName = 200;
