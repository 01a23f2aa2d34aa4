// Names and patterns of databases and tables in a configuration: '*' is any run of characters, '?' any one.

/** Case matters unless told. */
export const fitsPattern = (pattern: string, name: string, casing: 'exact' | 'any' = 'exact'): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    casing === 'any' ? 'siu' : 'su',
  ).test(name);

/** Whether it means one name. */
export const isLiteral = (pattern: string): boolean => !/[*?]/.test(pattern);

export interface DatabaseChoice {
  readonly databases?: 'all' | readonly string[] | undefined;
  readonly excludeDatabases: readonly string[];
}

/** The databases to back up, of those there are; one that is named outright also when it is not there, to be missed. */
export const chooseDatabases = (
  { databases, excludeDatabases }: DatabaseChoice,
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
