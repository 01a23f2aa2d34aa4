// A value that must not be shown: it prints as dots, and is read only where it is used.
import { inspect } from 'node:util';

/** Where a secret's value lies: in the configuration itself, a file, an environment variable, or what a command prints. */
export type SecretOrigin =
  | { readonly kind: 'text' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'command' };

export class Secret {
  readonly #read: () => string;
  /** Where the value comes from, for messages and warnings; never the value. */
  readonly origin: SecretOrigin;

  /** `read` is called each time the value is needed, so a file or command behind it may change meanwhile. */
  constructor(read: string | (() => string), origin: SecretOrigin = { kind: 'text' }) {
    this.#read = typeof read === 'string' ? () => read : read;
    this.origin = origin;
    if (origin.kind === 'env') variables.add(origin.name);
  }

  /** The value itself. Never put it into a message, a log, an argument or a file. */
  reveal(): string {
    const value = this.#read();
    if (value.length >= shortestRedacted) revealed.add(value);
    return value;
  }

  toString(): string {
    return dots;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** Every secret in a value of the configuration. */
export function* secretsIn(value: unknown): Generator<Secret> {
  if (value instanceof Secret) yield value;
  else if (Array.isArray(value)) for (const item of value) yield* secretsIn(item);
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) yield* secretsIn(item);
}

const variables = new Set<string>();

/** Whether a secret of this process lies in the environment variable of that name, read or not. */
export const isSecretVariable = (name: string): boolean => variables.has(name);

/** What was read in this process, so that it can be taken out of texts that others wrote. */
const revealed = new Set<string>();
/** Anything shorter would be found in innocent words. */
const shortestRedacted = 5;

/** A text with every secret that was read in this process, and every password in a URL, taken out. */
export const withoutSecrets = (text: string): string => {
  let clean = text;
  for (const value of revealed) clean = clean.replaceAll(value, dots);
  return withoutPassword(clean);
};

const dots = '••••••';

/**
 * A URL, or a text with URLs in it, with the passwords taken out, for messages. A password may hold anything that should
 * have been percent-encoded; rather too much is taken out than too little.
 */
export const withoutPassword = (text: string): string =>
  text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^:@/?#\s]*):(?!\d+[/?#])(?:(?!:\/\/)[^\n])*@/gi, '$1@')
    .replace(/([?&](?:password|sslpassword)=)[^&#\s]*/gi, '$1••••••');
