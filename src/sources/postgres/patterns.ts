// Which tables a configuration means.
import { fitsPattern } from '../patterns.ts';
import type { PostgresConfig } from './config.ts';
import { parseName, type QualifiedName } from './identifiers.ts';

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
