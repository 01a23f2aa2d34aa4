// The configuration of `kind: sqlite`.
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import { incrementsKeys } from '../increments.ts';
import { oneOrMany } from '../patterns.ts';

export const sqliteConfig = z.strictObject({
  path: z
    .string()
    .min(1)
    .transform(expandHome)
    .describe('The database’s file. For a restore: the file to make. ~ is the home folder.'),
  tables: oneOrMany.describe(
    'Only these tables and views, as patterns of SQLite’s GLOB: orders, log_*, [ab]?. All without it.',
  ),
  exclude: oneOrMany.describe('Tables and views to leave out, as patterns like those of `tables`.'),
  ...incrementsKeys,
  quickCheck: z
    .boolean()
    .default(true)
    .describe(
      'Check each table for damage (PRAGMA quick_check) before it is dumped: about a tenth more time.',
    ),
  busyTimeoutSeconds: z
    .number()
    .nonnegative()
    .max(86_400)
    .default(30)
    .describe('How long to wait for a writer that has locked the database.'),
});

export type SqliteConfig = z.infer<typeof sqliteConfig>;

/** `sqlite:/srv/shop.db`, `sqlite:///srv/shop.db`, `sqlite:shop.db`, or a path. After `//` the path is percent-encoded. */
export const configFromUrl = (url: string): SqliteConfig => {
  const path = url.replace(/^sqlite:/i, '');
  if (path.startsWith('//')) return sqliteConfig.parse({ path: pathOfUrl(url) });
  if (path === '' || path.startsWith(':memory:'))
    throw new HoldfastError('USAGE', `"${url}" names no file`, { hint: 'write sqlite:/path/to/database.db' });
  return sqliteConfig.parse({ path });
};

const pathOfUrl = (text: string): string => {
  const url = URL.parse(text);
  const path = url && !url.search && !url.hash && url.host === '' ? decode(url.pathname) : undefined;
  if (path !== undefined && path !== '/' && path !== '') return path;
  throw new HoldfastError('USAGE', `"${text}" is not the URL of a SQLite database`, {
    hint: 'write sqlite:///path/to/database.db: three slashes, and no host, ? or #',
  });
};

const decode = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined; // a stray percent sign
  }
};
