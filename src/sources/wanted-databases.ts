// Refusing a backup of databases that are not there, alike for every server of several.
import { HoldfastError } from '#lib/errors.ts';

interface Wanted {
  /** What the configuration says; a server that has none is a backup of none, unless some were asked for. */
  readonly databases?: 'all' | readonly string[] | undefined;
}

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
