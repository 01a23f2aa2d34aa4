// The one database of a source, for work that is about one.
import { HoldfastError } from '#lib/errors.ts';
import type { PostgresConfig } from './config.ts';
import type { ConnectionSettings } from './settings.ts';

/** CONFIG_INVALID when the configuration names none, or may mean several; `work` begins the message. */
export const onlyDatabase = (
  { databases }: PostgresConfig,
  { database }: ConnectionSettings,
  work: string,
): string => {
  const [named = database, another] = Array.isArray(databases) ? databases : [];
  if (named !== undefined && another === undefined && databases !== 'all' && !/[*?]/.test(named))
    return named;
  throw new HoldfastError('CONFIG_INVALID', `${work} is of one database`, {
    hint: 'give the source one `database`',
  });
};
