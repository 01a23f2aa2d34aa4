// Which collections a configuration means.
import { fitsPattern } from '../patterns.ts';
import type { MongodbConfig } from './config.ts';
import { isStaging } from './layout.ts';

/** Whether a collection fits 'orders' or 'shop.orders'. Collections have dots in their names, so both are tried. */
export const fitsCollection = (pattern: string, database: string, name: string): boolean =>
  fitsPattern(pattern, name) || fitsPattern(pattern, `${database}.${name}`);

const fitsAny = (patterns: readonly string[], database: string, name: string): boolean =>
  patterns.some((pattern) => fitsCollection(pattern, database, name));

/** What is wanted of a collection: all of it, its definition, or nothing. */
export const wantedOf = (
  { collections, exclude, excludeData }: MongodbConfig,
  database: string,
  name: string,
): 'all' | 'definition' | 'nothing' => {
  if (collections && !fitsAny(collections, database, name)) return 'nothing';
  if (fitsAny(exclude, database, name)) return 'nothing';
  return fitsAny(excludeData, database, name) ? 'definition' : 'all';
};

/** The server's own: the oplog and what each member keeps for itself, and what a cluster knows of its shards. */
const internalDatabases: readonly string[] = ['admin', 'config', 'local'];

export const isInternalDatabase = (name: string): boolean => internalDatabases.includes(name);

/** Collections that the server keeps for itself, as mongodump leaves them out, and what a restore has not finished. */
export const isInternal = (name: string): boolean =>
  (name.startsWith('system.') && name !== 'system.js') || isStaging(name);
