// Collations that the other engine, or an older server, does not know, and those that come closest to them.
import { quotedSource } from './binary-text.ts';
import { errno, errnoOf } from './server-error.ts';

/** Runs a statement, with other collations in the place of those that the server does not know, and tells of each. */
export const withKnownCollations = async <Made>(
  statement: string,
  run: (statement: string) => Promise<Made>,
  tell: (text: string) => void,
): Promise<Made> => {
  const others = new Map<string, { taken: string; readonly left: string[] }>();
  for (let known = statement; ; )
    try {
      const made = await run(known);
      for (const [name, { taken }] of others)
        tell(
          `the server does not know the collation ${name}: ${taken} takes its place, by which text may sort and compare otherwise`,
        );
      return made;
    } catch (error) {
      const unknown = nameIn(error);
      if (unknown === undefined) throw error;
      const [name] = [...others].find(([, { taken }]) => taken === unknown) ?? [unknown];
      const left = others.get(name)?.left ?? closestTo(name);
      const taken = left.shift();
      if (taken === undefined) throw error;
      others.set(name, { taken, left });
      known = withOther(known, unknown, taken);
    }
};

const nameIn = (error: unknown): string | undefined =>
  error instanceof Error && errnoOf(error) === errno.unknownCollation
    ? /'(\w+)'/.exec(error.message)?.[1]
    : undefined;

/** The closest first. MySQL has Unicode 9 («0900»), without padding, and MariaDB has Unicode 14 («uca1400»), with and without. */
const closestTo = (name: string): string[] => {
  const [charset = ''] = name.split('_');
  const plainest = `${charset}_general_ci`;
  if (name === 'utf8mb4_0900_bin') return ['utf8mb4_nopad_bin', 'utf8mb4_bin'];
  const [, version, kind] = /_(0900|uca1400)_(?:.*_)?(a[is]_c[is])$/.exec(name) ?? [];
  if (version === undefined) return name === plainest ? [] : [plainest];
  const other = version === '0900' ? `${charset}_uca1400_nopad_${kind}` : `${charset}_0900_${kind}`;
  return [other, `${charset}_unicode_520_ci`, plainest];
};

/** What stands in quotes stays as it is. */
const withOther = (statement: string, name: string, other: string): string =>
  statement.replace(new RegExp(`${quotedSource}|\\b${name}\\b`, 'g'), (found) =>
    found === name ? other : found,
  );
