// Connection strings as all of MongoDB's tools have them (https://www.mongodb.com/docs/manual/reference/connection-string/).
import { HoldfastError } from '#lib/errors.ts';
import { Secret } from '#lib/secret.ts';

/** A connection string. It prints without its password and without its options, which may hold secrets too. */
export class ConnectionUrl {
  readonly user: string | undefined;
  /** host:port, several with commas between them. */
  readonly hosts: string;
  /** The database that is named, undefined for none. */
  readonly database: string | undefined;
  readonly #scheme: string;
  readonly #text: Secret;

  constructor(text: string) {
    const match = /^(mongodb(?:\+srv)?):\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/([^?]*))?(?:\?.*)?$/is.exec(text);
    if (!match) throw refused('it is not of the form mongodb://user@host:port/database?option=value');
    const [, scheme = '', credentials = '', hosts = '', database = ''] = match;
    this.#scheme = scheme.toLowerCase();
    this.hosts = hosts;
    this.user = decode(credentials.split(':')[0] ?? '') || undefined;
    this.database = decode(database) || undefined;
    this.#text = new Secret(text);
  }

  /** With its password: for the driver alone. */
  reveal(): string {
    return this.#text.reveal();
  }

  toString(): string {
    const user = this.user === undefined ? '' : `${encodeURIComponent(this.user)}@`;
    return `${this.#scheme}://${user}${this.hosts}/${encodeURIComponent(this.database ?? '')}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('a percent sign in it begins no valid character', 'write a percent sign as %25');
  }
};

// The text itself may hold a password at any place, so no message repeats it.
const refused = (why: string, hint?: string): HoldfastError =>
  new HoldfastError('CONFIG_INVALID', `the connection string is refused: ${why}`, { hint });
