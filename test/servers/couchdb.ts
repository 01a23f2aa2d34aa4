// A private CouchDB for one test file: PouchDB Server on a free port, or a part of the real one that HOLDFAST_TEST_COUCHDB names
// (the URL of a server administrator), where all databases of a test have a prefix that nobody else uses.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type CouchNamespace, startCouchNamespace } from './couchdb-namespace.ts';
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

const version = '4.2.0';
const folder = join(
  import.meta.dirname,
  '..',
  '..',
  'node_modules',
  '.cache',
  'holdfast',
  `pouchdb-server-${version}`,
);
const given = process.env.HOLDFAST_TEST_COUCHDB;

/** Why there is no server for tests here; where everything must be tested (CI=true) it throws instead. */
export const skipWithoutCouch = async (): Promise<string | undefined> => {
  if (given !== undefined) return undefined;
  try {
    await install();
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

/** Starts one; the caller disposes of it. */
export const startCouch = async (): Promise<CouchServer> => {
  if (given === undefined) return await startPouch();
  const namespace = await startCouchNamespace(given, `hf-${randomBytes(4).toString('hex')}-`);
  return describe('CouchDB', namespace.port, namespace.user, namespace.password, namespace);
};

/** Its compiled parts are prebuilt: what its packages would run at installation is not needed. */
const install = async (): Promise<void> => {
  if (existsSync(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}-`);
  try {
    await writeFile(join(work, 'package.json'), '{"private":true}');
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', ['install', ...quiet, `pouchdb-server@${version}`], { cwd: work });
    await rename(work, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // another test was quicker
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

const startPouch = async (): Promise<CouchServer> => {
  await install();
  const place = await mkdtemp(join(tmpdir(), 'holdfast-couchdb-'));
  const [port, user, password] = [await freePort(), 'admin', 'the administrator’s: p@ss/word'];
  try {
    const config = join(place, 'config.json');
    await writeFile(
      config,
      JSON.stringify({ admins: { [user]: password }, couchdb: { max_document_size: '4gb' } }),
    );
    const server = startProcess({
      name: 'pouchdb',
      command: process.execPath,
      args: [
        join(folder, 'node_modules', 'pouchdb-server', 'bin', 'pouchdb-server'),
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
    fetch(`${root}${path}`, { ...init, headers: { authorization, connection: 'close', ...init.headers } });
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
