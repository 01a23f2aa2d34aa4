// In which mode a server takes definitions and rows of a backup.
import type { Connection } from './connect.ts';
import { ServerError } from './server-error.ts';

/** Data comes as it was: dates that are none, numbers that are zero. */
export const mildLoadMode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';

/** And nothing is cut off. */
export const loadMode = `STRICT_ALL_TABLES,${mildLoadMode}`;

/** Of the statement just executed. */
export const firstWarning = async (connection: Connection): Promise<ServerError> => {
  const [warning] = await connection.query<{ Code: string; Message: string }>('show warnings limit 1');
  return new ServerError(Number(warning?.Code), '', warning?.Message ?? 'the server does not say why');
};
