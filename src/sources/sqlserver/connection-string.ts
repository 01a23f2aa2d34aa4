// Where a server is, as people write it: a URL, or a connection string of ADO.NET
// (https://learn.microsoft.com/dotnet/api/microsoft.data.sqlclient.sqlconnection.connectionstring).
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import { Secret } from '#lib/secret.ts';

/** What both forms can say. Everything is optional; a password is kept apart. */
export interface Address {
  readonly host?: string;
  readonly port?: number;
  readonly instance?: string;
  readonly user?: string;
  readonly domain?: string;
  readonly database?: string;
  readonly encrypt?: Encrypt;
  readonly trustServerCertificate?: boolean;
  readonly certificateHost?: string;
  readonly certificateAuthority?: string;
  readonly readOnlyIntent?: boolean;
  readonly multiSubnetFailover?: boolean;
  readonly connectTimeoutSeconds?: number;
}

export const encryptModes = ['off', 'on', 'strict'] as const;
export type Encrypt = (typeof encryptModes)[number];

/** An address taken apart. It prints without its password. */
export class ConnectionString {
  readonly address: Address;
  readonly password: Secret | undefined;
  readonly #shown: string;

  /** CONFIG_INVALID, without repeating a password, for what is neither form. */
  constructor(text: string) {
    const { password, ...address } =
      /^[a-z]+:/i.test(text) && !/^[a-z]+:[^/;=]*[;=]/i.test(text) ? fromUrl(text) : fromPairs(text);
    this.address = address;
    this.password = password === undefined || password === '' ? undefined : new Secret(password);
    this.#shown = shown(address);
  }

  toString(): string {
    return this.#shown;
  }

  toJSON(): string {
    return this.#shown;
  }
}

type Parsed = Address & { readonly password?: string };

const shown = ({ host = 'localhost', port, instance, user, database }: Address): string =>
  `sqlserver://${user === undefined ? '' : `${encodeURIComponent(user)}@`}${host}${port === undefined ? '' : `:${port}`}/${encodeURIComponent(database ?? '')}${instance === undefined ? '' : `?instance=${encodeURIComponent(instance)}`}`;

/** sqlserver://user:password@host:1433/database?encrypt=strict */
const fromUrl = (text: string): Parsed => {
  const match = /^(?:sqlserver|mssql):\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^?#/]*))?(?:\?([^#]*))?$/i.exec(
    text,
  );
  if (!match) throw invalid('this is no URL of the form sqlserver://user@host:port/database');
  const [, login = '', place = '', database = '', query = ''] = match;
  const [user = '', ...secret] = login.split(':');
  const address = hostAndPort(place);
  const pairs = new URLSearchParams(query);
  const settings = Object.fromEntries([...pairs].map(([key, value]) => [key.toLowerCase(), value]));
  return withoutEmpty({
    ...address,
    user: decode(user),
    password: decode(secret.join(':')),
    database: decode(database),
    ...settingsOf(settings),
  });
};

const hostAndPort = (place: string): Address => {
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(place);
  if (!match) throw invalid(`"${place}" is no host and port`);
  const [, host = '', port] = match;
  return withoutEmpty({
    host: host.replace(/^\[(.*)\]$/, '$1'),
    ...(port !== undefined && { port: toPort(port) }),
  });
};

const toPort = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw invalid(`"${text}" is no port number`);
};

/** Server=tcp:host\instance,1433;Database=shop;User Id=sa;Password=… */
const fromPairs = (text: string): Parsed => {
  const settings: Record<string, string> = {};
  const pair = /[\s;]*([^=;]+?)\s*=\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[^;]*)\s*(?:;|$)/y;
  const trimmed = text.replace(/[\s;]+$/, '');
  while (pair.lastIndex < trimmed.length) {
    const match = pair.exec(trimmed);
    if (!match) throw invalid('this is neither a URL nor a connection string of key=value;');
    const [, key = '', value = ''] = match;
    settings[key.toLowerCase().replaceAll(/\s/g, '')] = unquoted(value.trim());
  }
  return settingsOf(settings);
};

const unquoted = (value: string): string => {
  const quote = /^(["']).*\1$/s.exec(value)?.[1];
  return quote === undefined ? value : value.slice(1, -1).replaceAll(quote + quote, quote);
};

/** By their names in both forms, in small letters without blanks. */
const settings: Readonly<Record<string, (value: string) => Parsed>> = {
  server: (value) => serverOf(value),
  datasource: (value) => serverOf(value),
  address: (value) => serverOf(value),
  database: (value) => ({ database: value }),
  initialcatalog: (value) => ({ database: value }),
  userid: (value) => ({ user: value }),
  uid: (value) => ({ user: value }),
  user: (value) => ({ user: value }),
  password: (value) => ({ password: value }),
  pwd: (value) => ({ password: value }),
  domain: (value) => ({ domain: value }),
  instance: (value) => ({ instance: value }),
  encrypt: (value) => ({ encrypt: toEncrypt(value) }),
  trustservercertificate: (value) => ({ trustServerCertificate: toBoolean(value) }),
  hostnameincertificate: (value) => ({ certificateHost: value }),
  certificatehost: (value) => ({ certificateHost: value }),
  servercertificate: (value) => ({ certificateAuthority: value }),
  certificateauthority: (value) => ({ certificateAuthority: value }),
  applicationintent: (value) => ({ readOnlyIntent: toReadOnly(value) }),
  multisubnetfailover: (value) => ({ multiSubnetFailover: toBoolean(value) }),
  connecttimeout: (value) => ({ connectTimeoutSeconds: toSeconds(value) }),
  connectiontimeout: (value) => ({ connectTimeoutSeconds: toSeconds(value) }),
};

/** Said by many tools, and nothing to us: they name the program, or tune what this driver does otherwise. */
const ignored = new Set([
  'applicationname',
  'app',
  'pooling',
  'persistsecurityinfo',
  'multipleactiveresultsets',
  'packetsize',
  'commandtimeout',
  'workstationid',
  'connectretrycount',
  'connectretryinterval',
]);

const settingsOf = (given: Readonly<Record<string, string>>): Parsed => {
  let parsed: Parsed = {};
  for (const [key, value] of Object.entries(given)) {
    if (ignored.has(key)) continue;
    const read = settings[key];
    if (!read)
      throw invalid(
        `"${key}" is not understood in a connection string${didYouMean(key, Object.keys(settings))}`,
      );
    parsed = { ...parsed, ...read(value) };
  }
  return withoutEmpty(parsed);
};

const serverOf = (value: string): Parsed => {
  const [place = '', port] = value.replace(/^tcp:/i, '').split(',');
  const [host = '', instance] = place.split('\\');
  const known = ['.', '(local)', ''].includes(host) ? 'localhost' : host;
  return withoutEmpty({
    host: known,
    instance: instance ?? '',
    ...(port !== undefined && { port: toPort(port.trim()) }),
  });
};

const toEncrypt = (value: string): Encrypt => {
  const known = {
    true: 'on',
    yes: 'on',
    mandatory: 'on',
    on: 'on',
    false: 'off',
    no: 'off',
    optional: 'off',
    off: 'off',
    strict: 'strict',
  } as const;
  const mode = known[value.toLowerCase() as keyof typeof known];
  if (mode) return mode;
  throw invalid(`encrypt is one of ${encryptModes.join(', ')}, not "${value}"`);
};

const toBoolean = (value: string): boolean => {
  if (/^(true|yes|1)$/i.test(value)) return true;
  if (/^(false|no|0)$/i.test(value)) return false;
  throw invalid(`"${value}" is neither true nor false`);
};

const toReadOnly = (value: string): boolean => {
  const intent = value.toLowerCase();
  if (intent === 'readonly' || intent === 'readwrite') return intent === 'readonly';
  throw invalid(`applicationIntent is ReadOnly or ReadWrite, not "${value}"`);
};

const toSeconds = (value: string): number => {
  const seconds = Number(value);
  if (Number.isInteger(seconds) && seconds > 0) return seconds;
  throw invalid(`"${value}" is no number of seconds`);
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('a percent sign in the URL must be written %25');
  }
};

const withoutEmpty = <Values extends object>(values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== '' && value !== undefined),
  ) as Values;

const invalid = (message: string): HoldfastError => new HoldfastError('CONFIG_INVALID', message);
