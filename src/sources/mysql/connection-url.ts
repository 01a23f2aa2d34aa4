// Connection URLs: mysql://user:password@host:port/database?ssl-mode=verify-identity
import { ConnectionUrl } from '../connection-url.ts';
import { type ParameterName, parameterNames } from './parameters.ts';
import { tlsMode } from './tls.ts';

/** CONFIG_INVALID for a text that is none. */
export const mysqlUrl = (text: string): ConnectionUrl<ParameterName> => {
  const url = new ConnectionUrl<ParameterName>(text, {
    schemes: ['mysql', 'mariadb'],
    parameters: parameterNames,
    database: 'database',
  });
  tlsMode(url.parameters, 'preferred');
  return url;
};
