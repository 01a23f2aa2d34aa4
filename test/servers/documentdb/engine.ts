// The engine behind the stand-in for MongoDB: PostgreSQL 18 with DocumentDB, of Debian sid, in a root of its own. It is reached
// by a socket in its private folder only.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { dataRoot } from '../data-root.ts';
import { cannotInstall, unpackRoot } from '../debian.ts';
import { copyTree, putFreshData } from '../fresh-data.ts';
import { type ServerProcess, startProcess, whenReady } from '../process.ts';

export interface DocumentdbEngine extends AsyncDisposable {
  readonly pool: pg.Pool;
  /** A connection of its own: for a transaction that is to stay open. */
  connect(user?: string): Promise<pg.Client>;
}

const cache = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'holdfast');
const root = join(cache, 'documentdb-sid');
const packages = ['postgresql-18-documentdb', 'dash', 'coreutils', 'util-linux'];
const postgresFolder = '/usr/lib/postgresql/18/bin';
/** 'nobody': PostgreSQL refuses to run as root. */
const owner = 65_534;

/** Why it cannot run here, or undefined. Where everything must be tested (CI=true) it throws instead. */
export const skipWithoutDocumentdb = (): string | undefined => {
  const reason = cannotInstall();
  if (reason !== undefined && process.env.CI === 'true') throw new Error(`cannot get DocumentDB: ${reason}`);
  return reason && `needs DocumentDB: ${reason}`;
};

/** Starts it; the first time it is unpacked, which takes half a minute. */
export const startDocumentdb = async (): Promise<DocumentdbEngine> => {
  await unpackRoot(packages, root, prepareRoot);
  const folder = await newPlace();
  try {
    await putFreshData(join(folder, 'data'), 'documentdb', [...packages, ...how, settings], makeData);
    return await describe(startEngine(folder), folder);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

const newPlace = async (): Promise<string> => {
  const folder = await mkdtemp(join(dataRoot(), 'holdfast-documentdb-'));
  await chown(folder, owner, owner);
  return folder;
};

/** With the extension in it, which takes as long as to make the database. */
const makeData = async (kept: string): Promise<void> => {
  const folder = await newPlace();
  try {
    await inRoot(folder, 'initdb', '-D', '/srv/data', ...how);
    await appendFile(join(folder, 'data', 'postgresql.conf'), settings);
    {
      await using engine = await describe(startEngine(folder), folder, { keepsFolder: true });
      await engine.pool.query('create extension documentdb cascade');
    }
    await copyTree(join(folder, 'data'), kept);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const startEngine = (folder: string): ServerProcess =>
  startProcess({
    name: 'documentdb',
    command: 'unshare',
    args: unshareArgs(folder, ['postgres', '-D', '/srv/data']),
    folder,
    stopSignal: 'SIGINT',
  });

const describe = async (
  server: ServerProcess,
  folder: string,
  { keepsFolder = false } = {},
): Promise<DocumentdbEngine> => {
  const target = { host: folder, user: 'postgres', database: 'postgres' };
  const connect = async (user = 'postgres'): Promise<pg.Client> => {
    const client = new pg.Client({ ...target, user });
    client.on('error', () => {}); // it ends with the server
    await client.connect();
    return client;
  };
  await whenReady(server, async () => {
    if (!existsSync(join(folder, '.s.PGSQL.5432'))) return false;
    await (await connect()).end();
    return true;
  });
  const pool = new pg.Pool({ ...target, max: 24 });
  pool.on('error', () => {});
  return {
    pool,
    connect,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await server[Symbol.asyncDispose]();
      if (!keepsFolder) await rm(folder, { recursive: true, force: true });
    },
  };
};

const how = ['-A', 'trust', '-U', 'postgres', '--no-sync', '--locale=C.UTF-8', '-E', 'UTF8'];

const settings = `
listen_addresses = ''
unix_socket_directories = '/srv'
fsync = off
shared_buffers = 64MB
max_connections = 80
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
documentdb.localhost_connection_string = 'host=/srv'
`;

/** What the packages' own scripts would have done. */
const prepareRoot = async (unpacked: string): Promise<void> => {
  const extensions = join(unpacked, 'usr', 'share', 'postgresql', '18', 'extension');
  await symlink('postgis-3.control', join(extensions, 'postgis.control'));
  for (const name of ['proc', 'dev', 'tmp', 'etc', 'srv'])
    await mkdir(join(unpacked, name), { recursive: true });
  await writeFile(join(unpacked, 'etc', 'passwd'), `nobody:x:${owner}:${owner}::/srv:/bin/sh\n`);
  await writeFile(join(unpacked, 'etc', 'group'), `nogroup:x:${owner}:\n`);
};

/** Runs a program of the root once, with the folder as its /srv. */
const inRoot = async (folder: string, ...command: readonly string[]): Promise<void> => {
  await promisify(execFile)('unshare', unshareArgs(folder, command));
};

/** The mounts are the process's own, and gone with it; it dies with the one that started it. */
const unshareArgs = (folder: string, command: readonly string[]): string[] => [
  '--mount',
  'sh',
  '-c',
  'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount --bind "$1" "$0/srv" && mount -t tmpfs tmpfs "$0/tmp" && cd / && shift && exec chroot "$0" "$@"',
  root,
  folder,
  '/usr/bin/setpriv',
  `--reuid=${owner}`,
  `--regid=${owner}`,
  '--clear-groups',
  '--pdeathsig=KILL',
  '/usr/bin/env',
  '-i',
  'HOME=/srv',
  'LC_ALL=C.UTF-8',
  `PATH=${postgresFolder}:/usr/bin`,
  ...command,
];
