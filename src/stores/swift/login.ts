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
  /** By the clock of this machine, a while before it runs out. */
  readonly goodUntil: Date;
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
    if (current.goodUntil > this.#clock.now()) return current;
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

/** A token is renewed a minute before its end, so that it does not run out on the way, or half-way where it lasts for less than two. */
const goodUntil = (lifetimeMs: number, clock: Clock): Date =>
  new Date(clock.now().getTime() + lifetimeMs - Math.min(60_000, lifetimeMs / 2));

const logIn = (access: Access, client: HttpClient, clock: Clock): Promise<Token> =>
  access.account.way === 'v1'
    ? logInV1(access.account, client, clock)
    : logInV3(access, access.account, client, clock);

/** A token that would last longer is renewed all the same. */
const mostSeconds = 10 * 365 * 86_400;

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
  const told = Number(answer.headers['x-auth-token-expires']);
  const seconds = told > 0 && told < mostSeconds ? told : 3600;
  return { value, storageUrl: storageUrl.replace(/\/+$/, ''), goodUntil: goodUntil(seconds * 1000, clock) };
};

const endpoint = z.object({ interface: z.string(), region: z.string().nullish(), url: z.string() });
const tokenSchema = z.object({
  token: z.object({
    issued_at: z.iso.datetime({ offset: true }).optional(),
    expires_at: z.iso.datetime({ offset: true }),
    catalog: z.array(z.object({ type: z.string(), endpoints: z.array(endpoint) })).optional(),
  }),
});

const logInV3 = async (
  access: Access,
  account: Exclude<Account, { way: 'v1' }>,
  client: HttpClient,
  clock: Clock,
): Promise<Token> => {
  const base = account.authUrl.replace(/\/+$/, '');
  const url = `${base.endsWith('/v3') ? base : `${base}/v3`}/auth/tokens`;
  const body = Buffer.from(JSON.stringify({ auth: question(account) }));
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
  const answer = await send(client, { method: 'POST', url, headers, body });
  const value = answer.headers['x-subject-token'];
  if (answer.status >= 300 || typeof value !== 'string') throw refused(account, answer);
  const { token } = parseToken(account, answer);
  const found = (token.catalog ?? [])
    .filter(({ type }) => type === 'object-store')
    .flatMap(({ endpoints }) => endpoints)
    .filter((each) => each.interface === access.endpointType.replace(/URL$/, ''))
    .find(({ region }) => access.region === undefined || region === access.region);
  if (!found)
    throw new HoldfastError('STORE_DENIED', `${account.authUrl} knows no object store for this account`, {
      hint:
        account.way === 'password' && account.project === undefined
          ? 'name its project: `project`, $OS_PROJECT_NAME or $OS_PROJECT_ID'
          : `there should be one with a ${access.endpointType} address${access.region === undefined ? '' : ` in the region ${access.region}`}; check project, region and endpointType`,
    });
  // Its clock need not be ours.
  const issuedMs = token.issued_at === undefined ? clock.now().getTime() : Date.parse(token.issued_at);
  const lifetimeMs = Date.parse(token.expires_at) - issuedMs;
  return { value, storageUrl: found.url.replace(/\/+$/, ''), goodUntil: goodUntil(lifetimeMs, clock) };
};

const parseToken = ({ authUrl }: Account, { body }: HttpAnswer): z.output<typeof tokenSchema> => {
  try {
    return tokenSchema.parse(JSON.parse(body.toString()));
  } catch (cause) {
    throw new HoldfastError(
      'STORE_UNREACHABLE',
      `cannot log in at ${authUrl}: the answer is none of Keystone's`,
      {
        cause,
        hint: 'check the address, and what may answer there in its place',
      },
    );
  }
};

const question = (account: Exclude<Account, { way: 'v1' }>): object => {
  if (account.way === 'application') {
    const credential = { ...account.credential, secret: account.secret.reveal() };
    return { identity: { methods: ['application_credential'], application_credential: credential } };
  }
  const user = { ...account.user, password: account.password.reveal() };
  const identity = { methods: ['password'], password: { user } };
  return account.project === undefined ? { identity } : { identity, scope: { project: account.project } };
};

const send = async (client: HttpClient, request: Parameters<HttpClient['send']>[0]): Promise<HttpAnswer> => {
  try {
    return await client.send(request);
  } catch (cause) {
    throw unansweredError(`cannot log in at ${request.url}`, cause);
  }
};

const refused = (account: Account, { status }: HttpAnswer): HoldfastError => {
  const who = whoOf(account);
  if (status >= 500 || status === 429)
    return new HoldfastError('STORE_UNREACHABLE', `cannot log in at ${account.authUrl}: status ${status}`, {
      hint: 'check the service, and try again',
    });
  return new HoldfastError('STORE_DENIED', `${account.authUrl} does not let ${who} in (status ${status})`, {
    hint:
      status === 404
        ? 'nobody logs in at that address: for Keystone it ends in /v3, for TempAuth in /auth/v1.0'
        : 'check the name, the password or secret, the project and the domains',
  });
};

const whoOf = (account: Account): string => {
  if (account.way === 'v1') return account.user;
  const who = account.way === 'application' ? account.credential : account.user;
  const name = 'id' in who ? who.id : who.name;
  return account.way === 'application' ? `the application credential ${name}` : name;
};
