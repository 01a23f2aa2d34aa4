// Connection URLs of servers: scheme://user:password@host:port/database?parameter=value
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import { Secret, withoutPassword } from '#lib/secret.ts';

/** What the URLs of a kind of server can say. */
export interface UrlForm<Name extends string> {
  /** The first is the one for messages. */
  readonly schemes: readonly string[];
  readonly parameters: readonly Name[];
  /** The parameter that the path stands for. */
  readonly database: Name;
  /** Parameters that others know, and what to write in their place. */
  readonly instead?: Readonly<Record<string, string>>;
}

/** A URL taken apart; CONFIG_INVALID when that cannot be done. It prints without its password. */
export class ConnectionUrl<Name extends string> {
  readonly parameters: Readonly<Partial<Record<Name, string>>>;
  readonly password: Secret | undefined;
  readonly #text: string;

  constructor(text: string, form: UrlForm<Name | 'user' | 'password' | 'host' | 'port'>) {
    const { password, ...parameters } = parse(text, form);
    this.parameters = parameters as Partial<Record<Name, string>>;
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

type Parsed = Partial<Record<string, string>>;

const parse = (text: string, form: UrlForm<string>): Parsed => {
  const match = /^([a-z]+):\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(text);
  const [, scheme = '', credentials = '', place = '', database = '', query = ''] = match ?? [];
  if (!form.schemes.includes(scheme.toLowerCase()))
    throw refused(`it is not of the form ${form.schemes[0]}://user@host:port/database?option=value`);
  const [user = '', ...secret] = credentials.split(':');
  const parameters: Parsed = {};
  const set = (name: string, value: string): void => {
    if (value !== '') parameters[name] = decode(value);
  };
  set('user', user);
  set('password', secret.join(':'));
  set(form.database, database);
  const { host, port } = hostAndPort(place);
  set('host', host);
  set('port', port);
  for (const pair of query.split('&').filter((each) => each !== '')) {
    const [name = '', ...value] = pair.split('=');
    set(known(name, form), value.join('='));
  }
  const { port: number = '1' } = parameters;
  if (!/^\d{1,5}$/.test(number) || Number(number) < 1 || Number(number) > 65_535)
    throw refused('its port is no number from 1 to 65535');
  return parameters;
};

const hostAndPort = (place: string): { host: string; port: string } => {
  if (place.includes(',')) throw refused('it names several hosts', 'name one of them');
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(place);
  if (!match) throw refused('its host and port cannot be read', 'write an IPv6 address as [::1]');
  return { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
};

const known = (name: string, { parameters, instead = {} }: UrlForm<string>): string => {
  const decoded = decode(name);
  if (Object.hasOwn(instead, decoded)) throw refused(`it has "${decoded}"`, instead[decoded]);
  if (parameters.includes(decoded)) return decoded;
  throw refused(
    `holdfast does not know its parameter "${decoded}"${didYouMean(decoded, parameters)}`,
    `known are ${parameters.join(', ')}`,
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
