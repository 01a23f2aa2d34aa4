// A real SQL Server, or what speaks its language, that HOLDFAST_TEST_SQLSERVER names: sqlserver://sa:…@host/?encrypt=on, or a connection
// string of ADO.NET. Its login must be allowed to create databases; each test gets its own, and they are dropped at the end.
import { randomBytes } from 'node:crypto';
import { configSchema, settingsOf } from '#sources/sqlserver/config.ts';
import { type Connection, connect } from '#sources/sqlserver/connect.ts';
import { ConnectionString } from '#sources/sqlserver/connection-string.ts';
import { skipWithoutReal } from './real-servers.ts';

export const skipWithoutSqlServer = (): string | undefined => skipWithoutReal('HOLDFAST_TEST_SQLSERVER');

export interface RealSqlServer extends AsyncDisposable {
  /** The configuration of a source on one of its databases. */
  config(database: string): Record<string, unknown>;
  /** A name that nobody has; all names of a server are of one length. */
  freshName(): string;
  /** Makes an empty database. */
  create(database: string): Promise<void>;
  drop(database: string): Promise<void>;
  /** Runs batches one after the other. */
  run(database: string, ...batches: readonly string[]): Promise<void>;
  query<Row>(database: string, sql: string): Promise<Row[]>;
}

export const openSqlServerForTests = (): RealSqlServer => {
  const { address, password } = new ConnectionString(process.env.HOLDFAST_TEST_SQLSERVER ?? '');
  const { database: _, ...place } = address;
  const config = (database: string) => ({ ...place, password: password?.reveal(), database });
  const names = new Set<string>();
  const within = async <Result>(
    database: string,
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> => {
    const settings = settingsOf(configSchema.parse(config(database)));
    await using connection = await connect(settings, database, new AbortController().signal);
    return await work(connection);
  };
  const drop = (database: string): Promise<void> =>
    within('master', (connection) => connection.run(`DROP DATABASE IF EXISTS [${database}]`));
  return {
    config,
    freshName() {
      const name = `hf_${randomBytes(5).toString('hex')}`;
      names.add(name);
      return name;
    },
    create: (database) => within('master', (connection) => connection.run(`CREATE DATABASE [${database}]`)),
    drop,
    run: (database, ...batches) => within(database, (connection) => connection.run(...batches)),
    query: (database, sql) => within(database, (connection) => connection.query(sql)),
    async [Symbol.asyncDispose]() {
      for (const name of names) await drop(name);
    },
  };
};
