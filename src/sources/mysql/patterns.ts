// Which databases and tables a configuration means.
import type { MysqlConfig } from './config.ts';
import { parseName } from './identifiers.ts';

/** Whether a name fits a pattern: '*' is any run of characters, '?' any one, and case matters. */
const fitsPattern = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'su',
  ).test(name);

const isLiteral = (pattern: string): boolean => !/[*?]/.test(pattern);

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

/** What belongs to the server itself. */
const systemDatabases = new Set(['information_schema', 'performance_schema', 'mysql', 'sys']);

/** The databases to back up, of those there are. */
export const chooseDatabases = (
  { databases, excludeDatabases }: MysqlConfig,
  named: string | undefined,
  present: readonly string[],
): readonly string[] => {
  const patterns = databases ?? (named === undefined ? 'all' : undefined);
  const own = present.filter((name) => !systemDatabases.has(name.toLowerCase()));
  const chosen =
    patterns === undefined
      ? [named as string]
      : own.filter((name) => patterns === 'all' || patterns.some((each) => fitsPattern(each, name)));
  const literal = Array.isArray(patterns) ? patterns.filter(isLiteral) : [];
  const wanted = new Set([...chosen, ...literal]);
  return [...wanted].filter((name) => !excludeDatabases.some((pattern) => fitsPattern(pattern, name)));
};
