// Babelfish puts index names of a database into one name space: it appends the table's name and a digest, and shows that. Made again
// under the shown name, an index would get another one.
import { createHash } from 'node:crypto';

/** The name that was given to an index, where the shown one says so beyond doubt: its digest must agree. */
export const givenIndexName = (shown: string, table: string): string => {
  const digest = /[0-9a-f]{32}$/.exec(shown)?.[0];
  if (digest === undefined) return shown;
  const before = shown.slice(0, -digest.length);
  if (!before.toLowerCase().endsWith(table.toLowerCase())) return shown;
  const given = before.slice(0, before.length - table.length);
  return createHash('md5').update(given).digest('hex') === digest ? given : shown;
};
