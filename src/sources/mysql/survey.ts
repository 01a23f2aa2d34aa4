// What there is to back up.
import { byBytes } from '#lib/byte-order.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { assertDatabasesFound, chooseDatabases } from '../wanted-databases.ts';
import type { MysqlConfig } from './config.ts';
import type { Connection } from './connect.ts';
import { databasePath } from './layout.ts';
import { listDatabases } from './listing.ts';
import { isSystemDatabase } from './patterns.ts';
import type { ConnectionSettings } from './settings.ts';
import type { Version } from './version.ts';

export interface SourceRequest {
  readonly config: MysqlConfig;
  readonly settings: ConnectionSettings;
  readonly context: Context;
}

/** The databases to back up, in the order of their folders. SOURCE_UNREACHABLE when one that is named is not there. */
export const surveyOf = async (
  { config, settings }: SourceRequest,
  connection: Connection,
): Promise<readonly string[]> => {
  assertSupported(connection.version, settings);
  const present = await listDatabases(connection);
  const chosen = chooseDatabases(
    config,
    settings.database,
    present.filter((name) => !isSystemDatabase(name)),
  );
  const absent = chosen.filter((name) => !present.includes(name));
  const hint = `it has ${present.join(', ')}; case matters, and databases without a right are not shown`;
  assertDatabasesFound(config, settings.server, { chosen, absent, hint });
  return chosen.toSorted(byPath);
};

const oldest = { mariadb: 100_500, mysql: 80_000 } as const;

export const assertSupported = ({ engine, number, text }: Version, { server }: ConnectionSettings): void => {
  if (number >= oldest[engine]) return;
  throw new HoldfastError(
    'UNSUPPORTED',
    `the server at ${server} is ${text}, older than MariaDB 10.5 and MySQL 8.0`,
    {
      hint: 'back it up with its own dump program, or upgrade it',
    },
  );
};

const byPath = (a: string, b: string): number => byBytes(databasePath(a), databasePath(b));
