// From an account to a token and the address of its objects. Keystone: Identity API v3; TempAuth: Swift's auth v1.
import { z } from 'zod';
import type { Clock } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { HttpAnswer, HttpClient } from '../http-client.ts';
import { unansweredError } from '../unanswered.ts';
import type { Access, Account } from './account.ts';

export interface Token {
  readonly value: string;
  /** The address of the account's containers, without a slash at the end. */
  readonly storageUrl: string;
  readonly expires: Date;
}

/** Hands out a token that is good for a while yet, logging in again when it is not. Callers at once wait for the same login. */
export class Tokens {
  readonly #access: Access;
  readonly #client: HttpClient;
  readonly #clock: Clock;
  #current: Promise<Token> | undefined;

  constructor(access: Access, client: HttpClient, clock: Clock) {
    this.#access = access;
    this.#client = client;
    this.#clock = clock;
  }

  async get(): Promise<Token> {
    const current = await this.#login();
    if (current.expires.getTime() - this.#clock.now().getTime() > spareMs) return current;
    this.drop(current);
    return await this.#login();
  }

  /** Forgets a token that the service no longer takes. */
  drop(token: Token): void {
    this.#current = this.#current?.then((current) => (current === token ? this.#start() : current));
  }

  #login(): Promise<Token> {
    this.#current ??= this.#start();
    return this.#current.catch((error: unknown) => {
      this.#current = undefined;
      throw error;
    });
  }

  #start(): Promise<Token> {
    return logIn(this.#access, this.#client, this.#clock);
  }
}

/** So long before its end a token is renewed, so that it does not run out on the way. */
const spareMs = 60_000;

const logIn = (access: Access, client: HttpClient, clock: Clock): Promise<Token> =>
  access.account.way === 'v1'
    ? logInV1(access.account, client, clock)
    : logInV3(access, access.account, client);

const logInV1 = async (
  account: Extract<Account, { way: 'v1' }>,
  client: HttpClient,
  clock: Clock,
): Promise<Token> => {
  const headers = { 'X-Auth-User': account.user, 'X-Auth-Key': account.key.reveal() };
  const answer = await send(client, { method: 'GET', url: account.authUrl, headers });
  const value = answer.headers['x-auth-token'];
  const storageUrl = answer.headers['x-storage-url'];
  if (answer.status >= 300 || typeof value !== 'string' || typeof storageUrl !== 'string')
    throw refused(account, answer);
  const seconds = Number(answer.headers['x-auth-token-expires'] ?? 3600);
  const expires = new Date(clock.now().getTime() + seconds * 1000);
  return { value, storageUrl: storageUrl.replace(/\/+$/, ''), expires };
};

const endpoint = z.object({ interface: z.string(), region: z.string().nullish(), url: z.string() });
const tokenSchema = z.object({
  token: z.object({
    expires_at: z.iso.datetime({ offset: true }),
    catalog: z.array(z.object({ type: z.string(), endpoints: z.array(endpoint) })).optional(),
  }),
});

const logInV3 = async (
  access: Access,
  account: Exclude<Account, { way: 'v1' }>,
  client: HttpClient,
): Promise<Token> => {
  const base = account.authUrl.replace(/\/+$/, '');
  const url = `${base.endsWith('/v3') ? base : `${base}/v3`}/auth/tokens`;
  const body = Buffer.from(JSON.stringify({ auth: question(account) }));
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
  const answer = await send(client, { method: 'POST', url, headers, body });
  const value = answer.headers['x-subject-token'];
  if (answer.status >= 300 || typeof value !== 'string') throw refused(account, answer);
  const { token } = tokenSchema.parse(JSON.parse(answer.body.toString()));
  const found = (token.catalog ?? [])
    .filter(({ type }) => type === 'object-store')
    .flatMap(({ endpoints }) => endpoints)
    .filter((each) => each.interface === access.endpointType.replace(/URL$/, ''))
    .find(({ region }) => access.region === undefined || region === access.region);
  if (!found)
    throw new HoldfastError('STORE_DENIED', `${account.authUrl} knows no object store for this account`, {
      hint: `there should be one with a ${access.endpointType} address${access.region === undefined ? '' : ` in the region ${access.region}`}; check project, region and endpointType`,
    });
  return { value, storageUrl: found.url.replace(/\/+$/, ''), expires: new Date(token.expires_at) };
};

const question = (account: Exclude<Account, { way: 'v1' }>): object => {
  if (account.way === 'application') {
    const credential = { id: account.id, secret: account.secret.reveal() };
    return { identity: { methods: ['application_credential'], application_credential: credential } };
  }
  const user = {
    name: account.user,
    domain: { name: account.userDomain },
    password: account.password.reveal(),
  };
  const identity = { methods: ['password'], password: { user } };
  if (account.project === undefined) return { identity };
  return { identity, scope: { project: { name: account.project, domain: { name: account.projectDomain } } } };
};

const send = async (client: HttpClient, request: Parameters<HttpClient['send']>[0]): Promise<HttpAnswer> => {
  try {
    return await client.send(request);
  } catch (cause) {
    throw unansweredError(`cannot log in at ${request.url}`, cause);
  }
};

const refused = (account: Account, { status }: HttpAnswer): HoldfastError => {
  const who = account.way === 'application' ? `the application credential ${account.id}` : account.user;
  if (status >= 500 || status === 429)
    return new HoldfastError('STORE_UNREACHABLE', `cannot log in at ${account.authUrl}: status ${status}`, {
      hint: 'check the service, and try again',
    });
  return new HoldfastError('STORE_DENIED', `${account.authUrl} does not let ${who} in (status ${status})`, {
    hint: 'check the name, the password or secret, the project and the domains',
  });
};
