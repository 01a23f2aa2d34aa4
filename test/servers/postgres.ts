// A private PostgreSQL server on a free port, with data that initdb made: for one test file, and gone with the test's process.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { dataRoot } from './data-root.ts';
import { copyTree, putFreshData } from './fresh-data.ts';
import { freePort, type ServerProcess, startProcess, whenReady } from './process.ts';
import { program } from './programs.ts';

const execute = promisify(execFile);

export interface PostgresServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Where its Unix socket is. */
  readonly socketFolder: string;
  /** The superuser and its password. */
  readonly user: string;
  readonly password: string;
  /** The file of its self-signed certificate, when it was started with `tls`. */
  readonly certificate: string | undefined;
  /** A connection URL of the superuser, or of the user told. */
  url(database?: string, user?: string, password?: string): string;
  /** Runs SQL with psql, stopping at the first error; answers rows as lines with columns separated by '|'. */
  psql(database: string, sql: string): Promise<string>;
  /** What pg_dump prints of a database, without the two lines that differ from run to run. */
  pgDump(database: string, ...args: readonly string[]): Promise<string>;
  /** What it has logged. */
  log(): string;
}

export interface PostgresOptions {
  /** Lines of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of pg_hba.conf, before the usual ones. */
  readonly access?: readonly string[];
  /** Offer TLS with a self-signed certificate for localhost. */
  readonly tls?: boolean;
  /** The folder of another version's initdb and postgres. */
  readonly programs?: string;
  /** Follow this server instead of beginning empty. */
  readonly standbyOf?: PostgresServer;
}

/** Starts a server; the caller disposes of it. */
export const startPostgres = async (options: PostgresOptions = {}): Promise<PostgresServer> => {
  await sweepLeftovers();
  const folder = await mkdtemp(join(dataRoot(), `${prefix}${process.pid}-`));
  const place: Place = { folder, owner: await serverUser(), port: await freePort() };
  await own(place, folder);
  try {
    await makeData(place, options);
    const server = startProcess({
      name: 'server',
      command: programOf(options, 'postgres'),
      args: ['-D', join(folder, 'data')],
      folder,
      user: 'postgres',
      stopSignal: 'SIGINT',
    });
    await whenReady(server, async () => {
      await execute(program('pg_isready'), ['-q', '-h', '127.0.0.1', '-p', `${place.port}`]);
      return true;
    });
    return describe(server, place, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

interface Place {
  readonly folder: string;
  readonly port: number;
  /** PostgreSQL refuses to run as root; its package brings a user. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

const prefix = 'holdfast-postgres-';
const superuser = 'postgres';
const password = 'the superuser’s pass';

const serverUser = async (): Promise<Place['owner']> => {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n');
  const [, , uid, gid] = lines.find((line) => line.startsWith('postgres:'))?.split(':') ?? [];
  if (uid === undefined) throw new Error('no user "postgres" to run the server as');
  return { uid: Number(uid), gid: Number(gid) };
};

const own = async ({ owner }: Place, path: string): Promise<void> => {
  if (owner) await chown(path, owner.uid, owner.gid);
};

/** Folders of test processes that were killed before they could tidy up. */
const sweepLeftovers = async (): Promise<void> => {
  for (const name of await readdir(dataRoot())) {
    const pid = /^holdfast-postgres-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || (await isAlive(pid))) continue;
    await rm(join(dataRoot(), name), { recursive: true, force: true }).catch(() => {}); // another test sweeps too
  }
};

const isAlive = (pid: string): Promise<boolean> =>
  stat(`/proc/${pid}`).then(
    () => true,
    () => process.platform !== 'linux',
  );

const programOf = (options: PostgresOptions, name: string): string =>
  options.programs ? join(options.programs, name) : program(name);

const makeData = async (place: Place, options: PostgresOptions): Promise<void> => {
  const data = join(place.folder, 'data');
  await (options.standbyOf ? copyData(place, data, options.standbyOf) : initialise(place, data, options));
  if (options.tls) await makeCertificate(place);
  const settings = {
    listen_addresses: '127.0.0.1',
    port: `${place.port}`,
    unix_socket_directories: place.folder,
    fsync: 'off',
    max_connections: '60',
    shared_buffers: '32MB',
    ...(options.tls && { ssl: 'on', ssl_cert_file: '../server.crt', ssl_key_file: '../server.key' }),
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  await appendFile(join(data, 'postgresql.conf'), lines.join(''));
  const access = join(data, 'pg_hba.conf');
  await writeFile(access, [...(options.access ?? []), await readFile(access, 'utf8')].join('\n'));
};

const how = ['-A', 'scram-sha-256', '-U', superuser, '--locale=C.UTF-8', '-E', 'UTF8', '--no-sync'];

const initialise = async (place: Place, data: string, options: PostgresOptions): Promise<void> => {
  const { stdout: version } = await execute(programOf(options, 'postgres'), ['--version']);
  await putFreshData(data, 'postgres', [version, ...how], async (kept) => {
    const secret = join(place.folder, 'password');
    await writeFile(secret, password, { mode: 0o600 });
    await own(place, secret);
    const first = join(place.folder, 'first'); // who runs the server may not get to where it is kept
    await runAsOwner(place, programOf(options, 'initdb'), ['-D', first, `--pwfile=${secret}`, ...how]);
    await copyTree(first, kept);
    await rm(first, { recursive: true });
  });
};

const copyData = async (place: Place, data: string, primary: PostgresServer): Promise<void> => {
  const from = ['-h', primary.host, '-p', `${primary.port}`, '-U', primary.user];
  const how = ['-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
  await runAsOwner(place, program('pg_basebackup'), [...from, '-D', data, ...how]);
};

const runAsOwner = async ({ folder, owner }: Place, path: string, args: readonly string[]): Promise<void> => {
  const env = { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8', PGPASSWORD: password };
  const identity = owner ? ['--reuid', `${owner.uid}`, '--regid', `${owner.gid}`, '--init-groups'] : [];
  await execute(program('setpriv'), [...identity, path, ...args], { cwd: folder, env });
};

const makeCertificate = async (place: Place): Promise<void> => {
  const files = [join(place.folder, 'server.key'), join(place.folder, 'server.crt')] as const;
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const how = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', files[0], '-out', files[1]];
  await execute('openssl', ['req', ...how, ...names]);
  await chmod(files[0], 0o600);
  for (const file of files) await own(place, file);
};

const describe = (
  server: ServerProcess,
  { folder, port }: Place,
  options: PostgresOptions,
): PostgresServer => {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    PGHOST: '127.0.0.1',
    PGPORT: `${port}`,
    PGUSER: superuser,
    PGPASSWORD: password,
  };
  const run = async (name: string, args: readonly string[], input: string): Promise<string> => {
    const child = spawn(program(name), args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input);
    const outputs = [text(child.stdout), text(child.stderr), once(child, 'close')] as const;
    const [output, errors, [status]] = await Promise.all(outputs);
    if (status !== 0) throw new Error(`${name} failed: ${errors}`);
    return output;
  };
  return {
    host: '127.0.0.1',
    port,
    socketFolder: folder,
    user: superuser,
    password,
    certificate: options.tls ? join(folder, 'server.crt') : undefined,
    url: (database = '', user = superuser, secret = password) =>
      `postgres://${encodeURIComponent(user)}:${encodeURIComponent(secret)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    psql: async (database, sql) => {
      const quiet = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1'];
      return (await run('psql', [...quiet, '-d', connectionTo(database)], sql)).trimEnd();
    },
    pgDump: async (database, ...args) => {
      const output = await run('pg_dump', ['-d', connectionTo(database), ...args], '');
      return output.replaceAll(/^\\(un)?restrict .*\n/gm, '');
    },
    log: () => server.output(),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** A database's name could pass for connection parameters. */
const connectionTo = (database: string): string =>
  `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
