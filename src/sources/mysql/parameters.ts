// Connection parameters by the names that the servers' own clients have for them, gathered from where these look: what is given,
// an option file, the environment.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import { readOptionFile } from './option-file.ts';

export const parameterNames = [
  'host',
  'port',
  'socket',
  'user',
  'password',
  'database',
  'ssl-mode',
  'ssl-ca',
  'ssl-cert',
  'ssl-key',
  'connect-timeout',
] as const;

export type ParameterName = (typeof parameterNames)[number];
export type Parameters = Readonly<Partial<Record<ParameterName, string>>>;

export const isParameter = (name: string): name is ParameterName =>
  (parameterNames as readonly string[]).includes(name);

export type Environment = Readonly<Record<string, string | undefined>>;

/** All parameters that are set anywhere; what is given goes before a file, and that before the environment. */
export const gatherParameters = (
  given: Parameters,
  defaultsFile: string | undefined,
  environment: Environment,
): Parameters => {
  const usual = join(homedir(), '.my.cnf');
  const file = defaultsFile === undefined ? usual : expandHome(defaultsFile);
  if (defaultsFile !== undefined && !existsSync(file))
    throw new HoldfastError('CONFIG_INVALID', `there is no option file ${file}`);
  const fromFile = existsSync(file) ? readOptionFile(file) : {};
  return oneWay({ ...fromEnvironment(environment), ...fromFile }, given);
};

/** Who names a host does not mean the socket that a file names, nor the other way round. */
const oneWay = (usual: Parameters, given: Parameters): Parameters => {
  const { host, socket, ...rest } = usual;
  const place = given.host === undefined && given.socket === undefined ? { host, socket } : {};
  return Object.fromEntries(
    Object.entries({ ...rest, ...place, ...given }).filter(([, value]) => value !== undefined),
  );
};

const fromEnvironment = (environment: Environment): Parameters => {
  const values = {
    host: environment.MYSQL_HOST,
    port: environment.MYSQL_TCP_PORT,
    socket: environment.MYSQL_UNIX_PORT,
    password: environment.MYSQL_PWD,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
};
