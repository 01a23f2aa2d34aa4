// Which databases a configuration means.
import { fitsPattern, isLiteral } from '../patterns.ts';
import type { CouchConfig } from './config.ts';

export interface Wanted {
  /** Those that are named: they must be there. */
  readonly named: readonly string[];
  /** Asked with the list of what there is; absent when all are named. */
  readonly fits?: (name: string) => boolean;
}

/** What is left out is neither named nor fits. */
export const wantedDatabases = ({
  url,
  databases,
  excludeDatabases,
  systemDatabases,
}: CouchConfig): Wanted => {
  const isExcluded = (name: string): boolean =>
    excludeDatabases.some((pattern) => fitsPattern(pattern, name));
  const kept = (names: readonly string[]): string[] => names.filter((name) => !isExcluded(name));
  if (url.database !== undefined) return { named: kept([url.database, ...systemDatabases]) };
  const patterns = databases === undefined || databases === 'all' ? 'all' : databases;
  if (patterns === 'all')
    return { named: kept(systemDatabases), fits: (name) => !name.startsWith('_') && !isExcluded(name) };
  const named = kept([...new Set([...patterns.filter(isLiteral), ...systemDatabases])]);
  if (patterns.every(isLiteral)) return { named };
  return {
    named,
    fits: (name) =>
      !isExcluded(name) && patterns.some((pattern) => !isLiteral(pattern) && fitsPattern(pattern, name)),
  };
};
