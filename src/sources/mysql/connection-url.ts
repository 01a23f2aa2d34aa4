// Connection URLs: mysql://user:password@host:port/database?ssl-mode=verify-identity
import { ConnectionUrl } from '../connection-url.ts';
import { type ParameterName, parameterNames } from './parameters.ts';

/** CONFIG_INVALID for a text that is none. */
export const mysqlUrl = (text: string): ConnectionUrl<ParameterName> =>
  new ConnectionUrl(text, {
    schemes: ['mysql', 'mariadb'],
    parameters: parameterNames,
    database: 'database',
  });
