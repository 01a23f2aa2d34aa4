// Connection URLs as libpq has them (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
import { ConnectionUrl } from '../connection-url.ts';
import { type ParameterName, parameterNames } from './parameters.ts';
import { tlsMode } from './tls.ts';

/** CONFIG_INVALID for a text that is none. */
export const postgresUrl = (text: string): ConnectionUrl<ParameterName> => {
  const url = new ConnectionUrl<ParameterName>(text, {
    schemes: ['postgres', 'postgresql'],
    parameters: parameterNames,
    database: 'dbname',
    instead: { ssl: 'say sslmode=require, or verify-full' },
  });
  tlsMode(url.parameters);
  return url;
};
