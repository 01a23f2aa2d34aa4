// Connection URLs as libpq has them (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
import { ConnectionUrl } from '../connection-url.ts';
import { type ParameterName, parameterNames } from './parameters.ts';

/** CONFIG_INVALID for a text that is none. */
export const postgresUrl = (text: string): ConnectionUrl<ParameterName> =>
  new ConnectionUrl(text, {
    schemes: ['postgres', 'postgresql'],
    parameters: parameterNames,
    database: 'dbname',
    instead: { ssl: 'say sslmode=require, or verify-full' },
  });
