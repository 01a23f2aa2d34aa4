// Which databases and tables a configuration means.
import { fitsPattern, isLiteral } from '../patterns.ts';
import type { MysqlConfig } from './config.ts';
import { parseName } from './identifiers.ts';

/** Whether a table fits 'orders' or 'shop.orders', each part a pattern. */
export const fitsTable = (pattern: string, database: string, table: string): boolean => {
  const parts = parseName(pattern) ?? [pattern];
  const names = [database, table].slice(-parts.length);
  return parts.every((part, index) => fitsPattern(part, names[index] ?? ''));
};

/** What is wanted of a table: all of it, its definition, or nothing. */
export const wantedOf = (
  { tables, exclude, excludeData }: MysqlConfig,
  database: string,
  table: string,
): 'all' | 'definition' | 'nothing' => {
  const fits = (pattern: string): boolean => fitsTable(pattern, database, table);
  if (tables && !tables.some(fits)) return 'nothing';
  if (exclude.some(fits)) return 'nothing';
  return excludeData.some(fits) ? 'definition' : 'all';
};

/** Tables that are asked for by their very name. */
export const namedTables = ({ tables = [] }: MysqlConfig, database: string): string[] =>
  tables.filter(isLiteral).flatMap((pattern) => {
    const parts = parseName(pattern) ?? [pattern];
    const [name = '', of = database] = parts.toReversed();
    return of === database ? [name] : [];
  });

const systemDatabases = new Set(['information_schema', 'performance_schema', 'mysql', 'sys']);

/** Of the server itself. */
export const isSystemDatabase = (name: string): boolean => systemDatabases.has(name.toLowerCase());
