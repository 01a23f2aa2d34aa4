// Which databases and tables a configuration means.
import type { PostgresConfig } from './config.ts';
import { parseName, type QualifiedName } from './identifiers.ts';

/** Whether a name fits a pattern: '*' is any run of characters, '?' any one, and case matters as it does in the catalogue. */
export const fitsPattern = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'su',
  ).test(name);

export const isLiteral = (pattern: string): boolean => !/[*?]/.test(pattern);

/** Whether a table fits 'orders', 'public.orders' or 'shop.public.orders', each part a pattern. */
export const fitsTable = (pattern: string, database: string, { schema, name }: QualifiedName): boolean => {
  const parts = parseName(pattern) ?? [pattern];
  const names = [database, schema, name].slice(-parts.length);
  return parts.length <= 3 && parts.every((part, index) => fitsPattern(part, names[index] ?? ''));
};

const fitsAny = (patterns: readonly string[], database: string, table: QualifiedName): boolean =>
  patterns.some((pattern) => fitsTable(pattern, database, table));

/** What is wanted of a table: all of it, its definition, or nothing. */
export const wantedOf = (
  { tables, exclude, excludeData, unlogged }: PostgresConfig,
  database: string,
  table: QualifiedName & { readonly unlogged: boolean },
): 'all' | 'definition' | 'nothing' => {
  if (tables && !fitsAny(tables, database, table)) return 'nothing';
  if (fitsAny(exclude, database, table)) return 'nothing';
  return fitsAny(excludeData, database, table) || (table.unlogged && !unlogged) ? 'definition' : 'all';
};

/** The databases to back up, of those there are. */
export const chooseDatabases = (
  { databases, excludeDatabases }: PostgresConfig,
  named: string | undefined,
  present: readonly string[],
): readonly string[] => {
  const patterns = databases ?? (named === undefined ? 'all' : undefined);
  const chosen =
    patterns === undefined
      ? [named as string]
      : present.filter((name) => patterns === 'all' || patterns.some((each) => fitsPattern(each, name)));
  const literal = Array.isArray(patterns) ? patterns.filter(isLiteral) : [];
  const wanted = new Set([...chosen, ...literal]);
  return [...wanted].filter((name) => !excludeDatabases.some((pattern) => fitsPattern(pattern, name)));
};
