// A private CouchDB for one test file: PouchDB Server on a free port, or a part of the real one that HOLDFAST_TEST_COUCHDB names
// (the URL of a server administrator), where all databases of a test have a prefix that nobody else uses.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CouchNamespace, startCouchNamespace } from './couchdb-namespace.ts';
import { npmPackage } from './npm-package.ts';
import { freePort, type ServerProcess, startProcess, whenReady } from './process.ts';

export interface CouchServer extends AsyncDisposable {
  readonly vendor: 'CouchDB' | 'PouchDB';
  readonly port: number;
  /** A server administrator and the password. */
  readonly user: string;
  readonly password: string;
  /** 'couchdb://…/shop' with the administrator in it, or of all databases. */
  url(database?: string, password?: string): string;
  /** One request as the administrator; fails unless it succeeds. */
  ask(method: string, path: string, body?: unknown): Promise<unknown>;
  /** The same with any answer. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** How many connections it has open for others than the test. */
  connections(): Promise<number>;
}

const given = process.env.HOLDFAST_TEST_COUCHDB;

/** Why there is no server for tests here; where everything must be tested (CI=true) it throws instead. */
export const skipWithoutCouch = async (): Promise<string | undefined> => {
  if (given !== undefined) return undefined;
  try {
    await pouchServer();
    return undefined;
  } catch (error) {
    const reason = 'needs HOLDFAST_TEST_COUCHDB, or pouchdb-server from the npm registry';
    if (process.env.CI === 'true') throw new Error(reason, { cause: error });
    return reason;
  }
};

/** Why tests of what PouchDB Server lacks cannot run. */
export const skipWithoutRealCouch = (): string | undefined =>
  given === undefined ? 'needs a real CouchDB in HOLDFAST_TEST_COUCHDB' : undefined;

export interface CouchOptions {
  /** PouchDB Server lets everybody do everything; a server that is given is as it is. */
  readonly open?: boolean;
  /** Of PouchDB Server's administrator; its replicator cannot log in with characters beyond Latin-1. */
  readonly password?: string;
}

const hardPassword = 'the administrator’s: p@ss/word';

/** Starts one; the caller disposes of it. */
export const startCouch = async ({
  open = false,
  password = hardPassword,
}: CouchOptions = {}): Promise<CouchServer> => {
  if (given === undefined) return await startPouch(open ? undefined : { user: 'admin', password });
  const namespace = await startCouchNamespace(given, `hf-${randomBytes(4).toString('hex')}-`);
  return describe('CouchDB', namespace.port, namespace.user, namespace.password, namespace);
};

/** Its compiled parts are prebuilt. */
const pouchServer = (): Promise<string> => npmPackage('pouchdb-server', '4.2.0');

const startPouch = async (
  admin: { readonly user: string; readonly password: string } | undefined,
): Promise<CouchServer> => {
  const program = join(await pouchServer(), 'bin', 'pouchdb-server');
  const place = await mkdtemp(join(tmpdir(), 'holdfast-couchdb-'));
  const port = await freePort();
  const { user, password } = admin ?? { user: '', password: '' };
  try {
    const config = join(place, 'config.json');
    await writeFile(
      config,
      JSON.stringify({
        ...(admin && { admins: { [user]: password } }),
        couchdb: { max_document_size: '4gb' },
      }),
    );
    const server = startProcess({
      name: 'pouchdb',
      command: process.execPath,
      args: [
        '--unhandled-rejections=warn', // it leaves some behind when replications end
        program,
        ...['--host', '127.0.0.1', '--port', String(port), '--in-memory'],
        ...['--config', config, '--no-stdout-logs', '--no-color'],
      ],
      folder: place,
      stopSignal: 'SIGKILL',
    });
    await whenReady(server, async () => (await fetch(`http://127.0.0.1:${port}/`)).ok);
    return describe('PouchDB', port, user, password, stopping(server, place));
  } catch (error) {
    await rm(place, { recursive: true, force: true });
    throw error;
  }
};

const stopping = (server: ServerProcess, place: string): AsyncDisposable => ({
  async [Symbol.asyncDispose]() {
    await server[Symbol.asyncDispose]();
    await rm(place, { recursive: true, force: true });
  },
});

const describe = (
  vendor: CouchServer['vendor'],
  port: number,
  user: string,
  password: string,
  inner: AsyncDisposable | CouchNamespace,
): CouchServer => {
  const root = `http://127.0.0.1:${port}`;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${root}${path}`, {
      ...init,
      headers: { ...(user !== '' && { authorization }), connection: 'close', ...init.headers },
    });
  return {
    vendor,
    port,
    user,
    password,
    url: (database, secret = password) =>
      `couchdb://${encodeURIComponent(user)}:${encodeURIComponent(secret)}@127.0.0.1:${port}/${encodeURIComponent(database ?? '')}`,
    fetch: request,
    async ask(method, path, body) {
      const json =
        body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      const answer = await request(path, { method, ...json });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return JSON.parse(text);
    },
    connections: () => establishedTo(port),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
};

/** From the kernel's table: connections of this process's own to that port of the loopback. */
const establishedTo = async (port: number): Promise<number> => {
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n');
  return lines.filter((line) => {
    const [, , remote, state] = line.trim().split(/\s+/);
    return remote === wanted && state === '01';
  }).length;
};
