// A private MariaDB server on a free port: for one test file, and gone with the test's process.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { dataRoot } from './data-root.ts';
import { putFreshData } from './fresh-data.ts';
import { freePort, type ServerProcess, startProcess, whenReady } from './process.ts';
import { program } from './programs.ts';

const execute = promisify(execFile);

/** A MariaDB or MySQL server. */
export interface MysqlServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly socket: string;
  /** An administrator, from 127.0.0.1 and through the socket. */
  readonly user: string;
  readonly password: string;
  /** The file of its self-signed certificate, when it was started with `tls`. */
  readonly certificate: string | undefined;
  /** A connection URL of the administrator, or of the user told. */
  url(database?: string, user?: string, password?: string): string;
  /** Runs SQL with the stock client, stopping at the first error; answers rows as lines with columns separated by tabs. */
  sql(sql: string, database?: string): Promise<string>;
  /** The stock client with these arguments, in this folder, with this input. */
  client(args: readonly string[], input: string | Uint8Array, folder?: string): Promise<string>;
  /** What the stock dump program prints of a database, without what differs from run to run. */
  dump(database: string, ...args: readonly string[]): Promise<string>;
  /** What it has logged. */
  log(): string;
}

export interface MysqlOptions {
  /** Options of the server: 'max-allowed-packet=1M'. */
  readonly settings?: readonly string[];
  /** Offer TLS with a self-signed certificate for localhost. */
  readonly tls?: boolean;
}

/** Starts a server; the caller disposes of it. */
export const startMariadb = async (options: MysqlOptions = {}): Promise<MysqlServer> => {
  await sweepLeftovers();
  const folder = await mkdtemp(join(dataRoot(), `holdfast-mariadb-${process.pid}-`));
  try {
    const data = join(folder, 'data');
    await putFreshData(data, 'mariadb', [await version(), ...how, ...small], install);
    await giveTo('mysql', folder);
    if (options.tls) await makeCertificate(folder);
    const port = await freePort();
    const server = startProcess({
      name: 'server',
      command: program('mariadbd'),
      args: ['--no-defaults', ...small, ...serverArguments(folder, port), ...mariadbOnly(folder, options)],
      folder,
      user: 'mysql',
    });
    const programs = { client: [program('mariadb')], dump: [program('mariadb-dump')] };
    return await makeReady({
      server,
      folder,
      port,
      programs,
      certificate: options.tls ? `${folder}/server.crt` : undefined,
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

/** Folders of test processes that were killed before they could tidy up. */
const sweepLeftovers = async (): Promise<void> => {
  for (const name of await readdir(dataRoot())) {
    const pid = /^holdfast-(?:mariadb|mysql)-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || process.platform !== 'linux' || existsSync(`/proc/${pid}`)) continue;
    await rm(join(dataRoot(), name), { recursive: true, force: true }).catch(() => {}); // another test sweeps too
  }
};

const how = ['--skip-test-db', '--auth-root-authentication-method=normal'];

const install = async (data: string): Promise<void> => {
  const places = [`--datadir=${data}`, `--tmpdir=${data}`];
  await execute(program('mariadb-install-db'), ['--no-defaults', ...places, ...how, ...small], { cwd: data });
};

const version = async (): Promise<string> =>
  (await execute(program('mariadbd'), ['--version'])).stdout.match(/\d+\.\d+\.\d+/)?.[0] ?? '';

const small = ['--innodb-log-file-size=8M', '--innodb-buffer-pool-size=32M'];

/** The folder, and what is in its data, belong to who runs the server: it refuses to be root. */
const giveTo = async (user: string, folder: string): Promise<void> => {
  await chmod(folder, 0o755);
  await chmod(join(folder, 'data'), 0o700);
  if (process.getuid?.() !== 0) return;
  await execute('chown', ['-R', `${user}:${user}`, folder]);
};

const makeCertificate = async (folder: string): Promise<void> => {
  const files = [join(folder, 'server.key'), join(folder, 'server.crt')] as const;
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const how = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', files[0], '-out', files[1]];
  await execute('openssl', ['req', ...how, ...names]);
  await chmod(files[0], 0o644);
};

/** What both kinds of servers are told. One that starts removes other servers' tables from a temporary folder they share. */
export const serverArguments = (folder: string, port: number): string[] => [
  `--datadir=${folder}/data`,
  `--tmpdir=${folder}`,
  `--socket=${folder}/s.sock`,
  `--pid-file=${folder}/data/pid`,
  `--port=${port}`,
  '--bind-address=127.0.0.1',
  '--skip-name-resolve',
  '--server-id=1',
  '--innodb-flush-log-at-trx-commit=0',
];

const mariadbOnly = (folder: string, { settings = [], tls }: MysqlOptions): string[] => [
  '--log-bin=bin',
  '--binlog-format=ROW',
  ...(tls ? [`--ssl-cert=${folder}/server.crt`, `--ssl-key=${folder}/server.key`] : []),
  ...settings.map((setting) => `--${setting}`),
];

export interface Started {
  readonly server: ServerProcess;
  readonly folder: string;
  readonly port: number;
  /** How its clients are started. */
  readonly programs: { readonly client: readonly string[]; readonly dump: readonly string[] };
  readonly certificate: string | undefined;
}

const user = 'admin';
const password = 'the admin’s pass';

/** Waits for it and makes its administrator. */
export const makeReady = async (started: Started): Promise<MysqlServer> => {
  const { server, folder, port, programs, certificate } = started;
  const socket = join(folder, 's.sock');
  const run = async (
    [command = '', ...first]: readonly string[],
    args: readonly string[],
    input: string | Uint8Array,
    cwd = folder,
    env: Readonly<Record<string, string>> = { MYSQL_PWD: password },
  ): Promise<string> => {
    const child = spawn(command, [...first, '--no-defaults', `--socket=${socket}`, ...args], {
      cwd,
      env: { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input);
    const [output, errors, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${errors}`);
    return output;
  };
  await whenReady(server, async () => {
    await run(programs.client, ['-uroot'], 'select 1', folder, {});
    return true;
  });
  const both = ['127.0.0.1', 'localhost'].map(
    (host) =>
      `create user ${user}@'${host}' identified by '${password}'; grant all on *.* to ${user}@'${host}' with grant option;`,
  );
  await run(programs.client, ['-uroot', '--default-character-set=utf8mb4'], both.join('\n'), folder, {});
  const admin = [`-u${user}`, '--default-character-set=utf8mb4'];
  return {
    host: '127.0.0.1',
    port,
    socket,
    user,
    password,
    certificate,
    url: (database = '', name = user, secret = password) =>
      `mysql://${encodeURIComponent(name)}:${encodeURIComponent(secret)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    sql: async (sql, database) => {
      const place = database === undefined ? [] : [`--database=${database}`];
      return (await run(programs.client, [...admin, '-B', '-N', ...place], sql)).trimEnd();
    },
    client: (args, input, cwd) => run(programs.client, [...admin, ...args], input, cwd),
    dump: async (database, ...args) => {
      const everything = [
        '--routines',
        '--events',
        '--triggers',
        '--hex-blob',
        '--skip-comments',
        '--single-transaction',
        '--skip-dump-date',
      ];
      const output = await run(programs.dump, [...admin, ...everything, ...args, database], '');
      return output.replaceAll(/^(?:\/\*M!999999|SET @@GLOBAL.GTID_PURGED).*\n/gm, '');
    },
    log: () => server.output(),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
