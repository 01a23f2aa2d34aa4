// Where a CouchDB server is, as a URL says it.
import { HoldfastError } from '#lib/errors.ts';
import { Secret, withoutPassword } from '#lib/secret.ts';

export interface Address {
  /** 'http://couch.internal:5984/prefix', without a slash at the end, a user or a password. */
  readonly root: string;
  /** 'couch.internal:5984': for messages. */
  readonly server: string;
  /** The database of a couchdb: URL. */
  readonly database: string | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
}

const protocols: Readonly<Record<string, { readonly protocol: string; readonly port: string }>> = {
  'couchdb:': { protocol: 'http:', port: '5984' },
  'couchdbs:': { protocol: 'https:', port: '6984' },
};

/**
 * A path in a couchdb: or couchdbs: URL is a database ('couchdb://couch.internal/a%2Fb'); in an http: or https: URL it is where
 * the server itself begins, as behind a proxy. Prints without its password.
 */
export class CouchUrl implements Address {
  readonly root: string;
  readonly server: string;
  readonly database: string | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly #text: string;

  /** CONFIG_INVALID, without repeating a password. */
  constructor(text: string) {
    const url = parse(text);
    const own = protocols[url.protocol];
    const path = url.pathname.replace(/\/+$/, '');
    // Of a scheme that URL does not know it neither checks the port nor leaves out the usual one.
    this.server = `${url.hostname}:${url.port || (own?.port ?? (url.protocol === 'https:' ? '443' : '80'))}`;
    this.root = own ? `${own.protocol}//${this.server}` : `${url.protocol}//${url.host}${path}`;
    this.database = own && path !== '' ? decode(path.slice(1), text) : undefined;
    this.user = url.username === '' ? undefined : decode(url.username, text);
    this.password = url.password === '' ? undefined : new Secret(decode(url.password, text));
    this.#text = withoutPassword(text);
  }

  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.#text;
  }
}

const parse = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && url.hostname !== '' && (url.protocol in protocols || /^https?:$/.test(url.protocol))) return url;
  throw invalid(text, 'is no URL of a CouchDB server');
};

const decode = (part: string, text: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(text, 'has a part that is not percent-encoded as it should be');
  }
};

const invalid = (text: string, problem: string): HoldfastError =>
  new HoldfastError('CONFIG_INVALID', `"${withoutPassword(text)}" ${problem}`, {
    hint: 'write couchdb://user@host:5984/database, or http://host:5984 for all of a server; a % stands as %25, a / in a name as %2F',
  });
