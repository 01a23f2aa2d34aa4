// A private PgBouncer on a free port before a PostgreSQL server of a test.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresServer } from './postgres.ts';
import { freePort, portAnswers, startProcess, whenReady } from './process.ts';
import { program } from './programs.ts';

export interface Pooler extends AsyncDisposable {
  /** A connection URL of the server's superuser through it. */
  url(database: string): string;
}

/** Starts it; the caller disposes of it. */
export const startPgbouncer = async (
  { host, port: serverPort, user, password, url }: PostgresServer,
  mode: 'session' | 'transaction' | 'statement',
): Promise<Pooler> => {
  const folder = await mkdtemp(join(tmpdir(), `holdfast-pgbouncer-${process.pid}-`));
  const port = await freePort();
  const lines = [
    '[databases]',
    `* = host=${host} port=${serverPort}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${join(folder, 'users.txt')}`,
    `pool_mode = ${mode}`,
  ];
  await writeFile(join(folder, 'pgbouncer.ini'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'users.txt'), `"${user}" "${password}"\n`);
  await chmod(folder, 0o755); // it runs as another user
  const pooler = startProcess({
    name: 'pooler',
    command: program('pgbouncer'),
    args: ['pgbouncer.ini'],
    folder,
    user: 'postgres',
  });
  await whenReady(pooler, () => portAnswers(port));
  return {
    url: (database) => url(database).replace(`:${serverPort}/`, `:${port}/`),
    async [Symbol.asyncDispose]() {
      await pooler[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
