// Which databases of a server are backed up, alike for every server of several.
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import { type Casing, fitsPattern, isLiteral, pattern } from './patterns.ts';

/** The keys of a configuration that choose databases. `without` says which they are when none is named there. */
export const databaseKeys = (without: string) => ({
  databases: z
    .union([z.literal('all'), z.array(pattern).min(1)])
    .optional()
    .describe(`"all", or names and patterns (shop_*), found anew in each run. Absent: ${without}.`),
  excludeDatabases: z.array(pattern).default([]).describe('Databases to leave out, by name or pattern.'),
});

interface Wanted {
  /** What the configuration says; a server that has none is a backup of none, unless some were asked for. */
  readonly databases?: 'all' | readonly string[] | undefined;
}

interface Choice extends Wanted {
  readonly excludeDatabases: readonly string[];
}

/** The databases to back up, of those there are; one that is named outright also when it is not there, to be missed. */
export const chooseDatabases = (
  { databases, excludeDatabases }: Choice,
  named: string | undefined,
  present: readonly string[],
  casing?: Casing,
): readonly string[] => {
  const fits = (name: string, patterns: readonly string[]): boolean =>
    patterns.some((each) => fitsPattern(each, name, casing));
  const choose = (): readonly string[] => {
    if (databases === undefined && named !== undefined) return [named];
    if (databases === undefined || databases === 'all') return present;
    const chosen = present.filter((name) => fits(name, databases));
    return [...chosen, ...databases.filter((each) => isLiteral(each) && !fits(each, chosen))];
  };
  return choose().filter((name) => !fits(name, excludeDatabases));
};

interface Survey {
  readonly chosen: readonly string[];
  /** Those of them that are not there. */
  readonly absent: readonly string[];
  readonly hint: string;
}

/** SOURCE_UNREACHABLE when one that is named is not there, or none is left of those that were asked for. */
export const assertDatabasesFound = (
  { databases }: Wanted,
  server: string,
  { chosen, absent, hint }: Survey,
): void => {
  if (absent.length > 0)
    throw new HoldfastError(
      'SOURCE_UNREACHABLE',
      `the server ${server} has no database ${absent.join(', ')}`,
      { hint },
    );
  if (chosen.length === 0 && databases !== undefined && databases !== 'all')
    throw new HoldfastError('SOURCE_UNREACHABLE', `no database of ${server} fits the configuration`, {
      hint,
    });
};
