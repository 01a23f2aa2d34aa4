// Names and patterns of databases and tables in a configuration: '*' is any run of characters, '?' any one.
import { z } from 'zod';

export const pattern = z.string().min(1);

/** A list in which a single one needs no brackets. */
export const oneOrMany = z
  .union([pattern, z.array(pattern)])
  .transform((value): readonly string[] => (typeof value === 'string' ? [value] : value))
  .default([]);

export type Casing = 'exact' | 'any';

/** Case matters unless told. */
export const fitsPattern = (pattern: string, name: string, casing: Casing = 'exact'): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    casing === 'any' ? 'siu' : 'su',
  ).test(name);

/** Whether it means one name. */
export const isLiteral = (pattern: string): boolean => !/[*?]/.test(pattern);
