// A private MySQL server on a free port. Debian has it only in sid: it runs out of a root of its own, through that root's loader.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dataRoot } from './data-root.ts';
import { cannotInstall, unpackRoot } from './debian.ts';
import { putFreshData } from './fresh-data.ts';
import { type MysqlOptions, type MysqlServer, makeReady, serverArguments } from './mariadb.ts';
import { freePort, startProcess } from './process.ts';

const execute = promisify(execFile);

const root = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'holdfast', 'mysql-sid');
const packages = ['mysql-server-core', 'mysql-client-core'];
const daemon = join(root, 'usr', 'sbin', 'mysqld');

/** Why tests that need MySQL cannot run here; where everything must be tested (CI=true) it throws instead. */
export const skipWithoutMysql = (): string | undefined => {
  const reason = existsSync(daemon) ? undefined : cannotInstall();
  if (reason !== undefined && process.env.CI === 'true') throw new Error(`cannot get MySQL: ${reason}`);
  return reason;
};

/** Fetches it once; kept among the dependencies' caches. */
const bringMysql = (): Promise<void> => unpackRoot(packages, root);

const throughLoader = (name: string): [string, ...string[]] => [
  join(root, 'lib64', 'ld-linux-x86-64.so.2'),
  '--library-path',
  join(root, 'usr', 'lib', 'x86_64-linux-gnu'),
  join(root, 'usr', name),
];

/** Starts a server; the caller disposes of it. TLS is always offered, by a certificate that it makes itself. */
export const startMysql = async ({ settings = [] }: MysqlOptions = {}): Promise<MysqlServer> => {
  await bringMysql();
  const folder = await mkdtemp(join(dataRoot(), `holdfast-mysql-${process.pid}-`));
  try {
    const data = join(folder, 'data');
    await putFreshData(data, 'mysql', base, initialise);
    await rm(join(data, 'auto.cnf')); // each server has a number of its own
    const port = await freePort();
    const [loader, ...mysqld] = throughLoader('sbin/mysqld');
    const quiet = ['--mysqlx=OFF', '--secure-file-priv=NULL', '--performance-schema=OFF'];
    const history = ['--log-bin=bin', '--gtid-mode=ON', '--enforce-gtid-consistency=ON'];
    const own = settings.map((setting) => `--${setting}`);
    const server = startProcess({
      name: 'server',
      command: loader,
      args: [...mysqld, ...base, ...serverArguments(folder, port), ...quiet, ...history, ...own],
      folder,
    });
    const programs = { client: throughLoader('bin/mysql'), dump: throughLoader('bin/mysqldump') };
    return await makeReady({ server, folder, port, programs, certificate: join(data, 'ca.pem') });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

const base = [
  '--no-defaults',
  '--user=root', // where we are: no other user may enter a clone in root's home
  `--basedir=${join(root, 'usr')}`,
  `--lc-messages-dir=${join(root, 'usr/share/mysql')}`,
  `--character-sets-dir=${join(root, 'usr/share/mysql/charsets')}`,
  `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
  '--innodb-redo-log-capacity=8M',
  '--innodb-buffer-pool-size=32M',
];

const initialise = async (folder: string): Promise<void> => {
  const data = join(folder, 'data');
  await mkdir(data);
  const how = [
    '--initialize-insecure',
    `--datadir=${data}`,
    `--tmpdir=${data}`,
    `--log-error=${data}/init.log`,
  ];
  const [loader, ...mysqld] = throughLoader('sbin/mysqld');
  await execute(loader, [...mysqld, ...base, ...how], { cwd: folder });
  for (const name of await readdir(data)) await rename(join(data, name), join(folder, name));
  await rm(data, { recursive: true });
};
