// Connection parameters by libpq's names, gathered from where libpq gathers them: what is given, a service file, the
// environment (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { readSettingsFile } from '../settings-file.ts';

/** Each parameter with its environment variable. */
const variables = {
  host: 'PGHOST',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  service: 'PGSERVICE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  application_name: 'PGAPPNAME',
  options: 'PGOPTIONS',
  connect_timeout: 'PGCONNECT_TIMEOUT',
} as const;

export type ParameterName = keyof typeof variables;
export type Parameters = Readonly<Partial<Record<ParameterName, string>>>;

export const parameterNames = Object.keys(variables) as ParameterName[];

const isParameter = (name: string): name is ParameterName => Object.hasOwn(variables, name);

/** Variables that would change where libpq connects, or how safely, and that are not honoured here. */
const unsupportedVariables = [
  'PGHOSTADDR',
  'PGCHANNELBINDING',
  'PGREQUIREAUTH',
  'PGREQUIREPEER',
  'PGSSLCRL',
  'PGSSLCRLDIR',
  'PGSSLMINPROTOCOLVERSION',
  'PGSSLNEGOTIATION',
  'PGTARGETSESSIONATTRS',
];

export type Environment = Readonly<Record<string, string | undefined>>;

/** All parameters that are set anywhere. */
export const gatherParameters = (given: Parameters, environment: Environment): Parameters => {
  for (const variable of unsupportedVariables)
    if (environment[variable])
      throw new HoldfastError(
        'CONFIG_INVALID',
        `the environment has ${variable}, which holdfast does not honour`,
        {
          hint: `run holdfast without it: env -u ${variable} holdfast …`,
        },
      );
  const fromEnvironment: Partial<Record<ParameterName, string>> = {};
  for (const name of parameterNames) {
    const value = environment[variables[name]];
    if (value) fromEnvironment[name] = value;
  }
  const service = given.service ?? fromEnvironment.service;
  const fromService = service === undefined ? {} : readService(service, environment);
  return { ...fromEnvironment, ...fromService, ...given };
};

/** The parameters of a service, from the user's own file or the system's. */
const readService = (service: string, environment: Environment): Parameters => {
  const files = serviceFiles(environment).filter((file) => existsSync(file));
  for (const file of files) {
    const found = parseServiceFile(file, service);
    if (found) return found;
  }
  const where = files.length > 0 ? files.join(' and ') : 'a service file';
  throw new HoldfastError('CONFIG_INVALID', `no service "${service}" in ${where}`, {
    hint: 'write it into ~/.pg_service.conf, or name its file with PGSERVICEFILE',
  });
};

const serviceFiles = (environment: Environment): string[] => {
  const own = environment.PGSERVICEFILE || join(homedir(), '.pg_service.conf');
  // Where Debian and the other distributions built libpq to look, unless it is told.
  const system = environment.PGSYSCONFDIR ? [environment.PGSYSCONFDIR] : ['/etc/postgresql-common', '/etc'];
  return [own, ...system.map((folder) => join(folder, 'pg_service.conf'))];
};

const parseServiceFile = (file: string, service: string): Parameters | undefined => {
  let section: string | undefined;
  let found: Partial<Record<ParameterName, string>> | undefined;
  for (const [index, raw] of readSettingsFile(file).split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
    if (section !== service) continue;
    if (line.startsWith('[')) {
      found ??= {};
      continue;
    }
    const [, name = '', value = ''] = /^([^=\s]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (!found || !isParameter(name) || name === 'service')
      throw new HoldfastError(
        'CONFIG_INVALID',
        `${file}, line ${index + 1}: "${name || 'this line'}" is not understood`,
        {
          hint: `known are ${parameterNames.filter((known) => known !== 'service').join(', ')}`,
        },
      );
    found[name] = value;
  }
  return found;
};
