// Which tables a configuration means.
import { fitsPattern as fits } from '../patterns.ts';
import type { SqlServerConfig } from './config.ts';
import { parseName, type QualifiedName } from './identifiers.ts';

/** Case does not count, as in most collations. */
const fitsPattern = (pattern: string, name: string): boolean => fits(pattern, name, 'any');

/** Whether a table fits 'orders', 'dbo.orders' or 'shop.dbo.orders', each part a pattern. */
export const fitsTable = (pattern: string, database: string, { schema, name }: QualifiedName): boolean => {
  const parts = parseName(pattern) ?? [pattern];
  const names = [database, schema, name].slice(-parts.length);
  return parts.length <= 3 && parts.every((part, index) => fitsPattern(part, names[index] ?? ''));
};

/** What is wanted of a table: all of it, its definition, or nothing. */
export const wantedOf = (
  { tables, exclude, excludeData }: Pick<SqlServerConfig, 'tables' | 'exclude' | 'excludeData'>,
  database: string,
  table: QualifiedName,
): 'all' | 'definition' | 'nothing' => {
  const fitsAny = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => fitsTable(pattern, database, table));
  if ((tables && !fitsAny(tables)) || fitsAny(exclude)) return 'nothing';
  return fitsAny(excludeData) ? 'definition' : 'all';
};
