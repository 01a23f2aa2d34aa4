// A private rest-server, restic's own server of its REST protocol, from the newest Debian.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificate.ts';
import { cannotInstall, unpackPackages } from './debian.ts';
import { freePort, portAnswers, startProcess, whenReady } from './process.ts';

export interface RestServer extends AsyncDisposable {
  readonly port: number;
  /** Of its root, without user and password, with a slash at its end. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Where it keeps repositories. */
  readonly folder: string;
  /** With TLS: the file of its certificate. */
  readonly ca: string | undefined;
}

export interface RestServerOptions {
  /** Nothing but locks can be deleted. */
  readonly appendOnly?: boolean;
  readonly tls?: boolean;
  readonly maxBytes?: number;
  /** Where it keeps repositories; a folder of its own unless told. */
  readonly folder?: string;
}

const unpacked = join(import.meta.dirname, '../../node_modules/.cache/holdfast/restic-rest-server-sid');
const program = join(unpacked, 'usr', 'bin', 'restic-rest-server');

/** Why it cannot be started here; where everything must be tested (CI=true) it throws instead. */
export const skipWithoutRestServer = (): string | undefined => {
  const reason = existsSync(program) ? undefined : cannotInstall();
  if (reason !== undefined && process.env.CI === 'true') throw new Error(`cannot get rest-server: ${reason}`);
  return reason;
};

/** The program; it is fetched once and kept among the dependencies' caches. */
export const restServerProgram = async (): Promise<string> => {
  await unpackPackages(['restic-rest-server'], unpacked);
  return program;
};

/** Starts it; the caller disposes of it. */
export const startRestServer = async (options: RestServerOptions = {}): Promise<RestServer> => {
  const command = await restServerProgram();
  const work = mkdtempSync(join(tmpdir(), 'holdfast-rest-server-'));
  const folder = options.folder ?? join(work, 'data');
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const [user, password] = ['keeper', 'letmein-123'];
  writeFileSync(join(work, 'users'), `${user}:{SHA}${sha1(password)}\n`);
  const ca = options.tls ? makeCertificate(work).file : undefined;
  const server = startProcess({
    name: 'rest-server',
    command,
    args: [
      ...['--path', folder, '--listen', `127.0.0.1:${port}`, '--htpasswd-file', join(work, 'users')],
      ...(options.appendOnly ? ['--append-only'] : []),
      ...(ca ? ['--tls', '--tls-cert', ca, '--tls-key', join(work, 'server.key')] : []),
      ...(options.maxBytes === undefined ? [] : ['--max-size', String(options.maxBytes)]),
    ],
    folder: work,
  });
  const stop = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    rmSync(work, { recursive: true, force: true });
  };
  try {
    await whenReady(server, () => portAnswers(port));
    const url = `${ca ? 'https' : 'http'}://127.0.0.1:${port}/`;
    return { port, url, user, password, folder, ca, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const sha1 = (text: string): string => createHash('sha1').update(text).digest('base64');
