// Collations that the other engine, or an older server, does not know, and those that come closest to them.
import { quotedSource } from './binary-text.ts';
import { errno, errnoOf } from './server-error.ts';

/** Runs a statement, with other collations in the place of those that the server does not know, and tells of each. */
export const withKnownCollations = async <Made>(
  statement: string,
  run: (statement: string) => Promise<Made>,
  tell: (text: string) => void,
): Promise<Made> => {
  const unknown = new Map<string, string>();
  for (let known = statement; ; )
    try {
      const made = await run(known);
      for (const [name, other] of unknown)
        tell(
          `the server does not know the collation ${name}: ${other} takes its place, by which text may sort and compare otherwise`,
        );
      return made;
    } catch (error) {
      const name = nameIn(error);
      const other = name && closestTo(name).find((each) => each !== name && !unknown.has(each));
      if (name === undefined || other === undefined || unknown.has(name)) throw error;
      unknown.set(name, other);
      known = withOther(known, name, other);
    }
};

const nameIn = (error: unknown): string | undefined =>
  error instanceof Error && errnoOf(error) === errno.unknownCollation
    ? /'(\w+)'/.exec(error.message)?.[1]
    : undefined;

/** MySQL has Unicode 9 («0900»), without padding, and MariaDB has Unicode 14 («uca1400»), with and without. */
const closestTo = (name: string): string[] => {
  const [charset = ''] = name.split('_');
  const [, kind] = /_(a[is]_c[is])$/.exec(name) ?? [];
  const closest: string[] = [];
  if (name === 'utf8mb4_0900_bin') closest.push('utf8mb4_nopad_bin', 'utf8mb4_bin');
  if (kind && name.includes('_0900_')) closest.push(`${charset}_uca1400_nopad_${kind}`);
  if (kind && name.includes('_uca1400_')) closest.push(`${charset}_0900_${kind}`);
  return [...closest, `${charset}_general_ci`];
};

/** What stands in quotes stays as it is. */
const withOther = (statement: string, name: string, other: string): string =>
  statement.replace(new RegExp(`${quotedSource}|\\b${name}\\b`, 'g'), (found) =>
    found === name ? other : found,
  );
