// Connection URLs: mysql://user:password@host:port/database?ssl-mode=verify-identity
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import { Secret, withoutPassword } from '#lib/secret.ts';
import { isParameter, type ParameterName, parameterNames } from './parameters.ts';

/** A URL taken apart. It prints without its password. */
export class ConnectionUrl {
  readonly parameters: Readonly<Partial<Record<ParameterName, string>>>;
  readonly password: Secret | undefined;
  readonly #text: string;

  constructor(text: string) {
    const { password, ...parameters } = parse(text);
    this.parameters = parameters;
    this.password = password === undefined ? undefined : new Secret(password);
    this.#text = withoutPassword(text);
  }

  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.#text;
  }
}

type Parsed = Partial<Record<ParameterName, string>>;

const parse = (text: string): Parsed => {
  const match = /^(?:mysql|mariadb):\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(text);
  if (!match) throw refused('it is not of the form mysql://user@host:port/database?option=value');
  const [, credentials = '', place = '', database = '', query = ''] = match;
  const [user = '', ...secret] = credentials.split(':');
  const parameters: Parsed = {};
  const set = (name: ParameterName, value: string): void => {
    if (value !== '') parameters[name] = decode(value);
  };
  set('user', user);
  set('password', secret.join(':'));
  set('database', database);
  const { host = '', port = '' } = hostAndPort(place);
  set('host', host);
  set('port', port);
  for (const pair of query.split('&').filter((each) => each !== '')) {
    const [name = '', ...value] = pair.split('=');
    set(known(name), value.join('='));
  }
  return parameters;
};

const hostAndPort = (place: string): { host?: string; port?: string } => {
  if (place.includes(',')) throw refused('it names several hosts', 'name one of them');
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(place);
  if (!match) throw refused('its host and port cannot be read', 'write an IPv6 address as [::1]');
  return { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
};

const known = (name: string): ParameterName => {
  const decoded = decode(name);
  if (isParameter(decoded)) return decoded;
  throw refused(
    `holdfast does not know its parameter "${decoded}"${didYouMean(decoded, parameterNames)}`,
    `known are ${parameterNames.join(', ')}`,
  );
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('a percent sign in it begins no valid character', 'write a percent sign as %25');
  }
};

// The text itself may hold a password at any place, so no message repeats it.
const refused = (why: string, hint?: string): HoldfastError =>
  new HoldfastError('CONFIG_INVALID', `the connection URL is refused: ${why}`, { hint });
