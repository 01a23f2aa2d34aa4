// In which mode a server takes definitions and rows of a backup.
import type { Connection } from './connect.ts';

/** Data comes as it was: dates that are none, numbers that are zero. */
export const mildLoadMode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';

/** And nothing is cut off. */
export const loadMode = `STRICT_ALL_TABLES,${mildLoadMode}`;

/** Of the statement just executed. */
export const firstWarning = async (connection: Connection): Promise<string> => {
  const [warning] = await connection.query<{ Message: string }>('show warnings limit 1');
  return warning?.Message ?? 'the server does not say why';
};
