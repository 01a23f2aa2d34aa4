// Builders for the tests of MariaDB and MySQL: sources on a test's server, and their dumps.
import type { MysqlServer } from '../../../test/servers/mariadb.ts';
import { onServers, opener } from '../testing.ts';
import { mysql } from './mysql.ts';
import { manyKinds, mariadbOnly, mysqlOnly, programs } from './testing-database.ts';

/** `url` unless told is the server's without a database. */
export const { openOn: openMysql, dumpOf, restoreTo } = onServers<MysqlServer>(opener(mysql));

/** Makes the database `shop` with every kind of object that the engine has. */
export const makeShop = async (server: MysqlServer, engine: 'mariadb' | 'mysql'): Promise<void> => {
  await server.sql('create database shop character set utf8mb4');
  const own = engine === 'mariadb' ? mariadbOnly : mysqlOnly;
  // MySQL shows a character set more often in a table that was made from what it showed.
  const common = engine === 'mariadb' ? manyKinds : manyKinds.replaceAll(' collate=utf8mb4_unicode_ci', '');
  for (const sql of [common, programs, own]) await server.client(['shop'], inLatin1(sql));
};

/** One function is written in Latin-1. */
const inLatin1 = (sql: string): Buffer =>
  Buffer.concat(
    sql.split('\\xe9').flatMap((part, index) => [Buffer.from(index > 0 ? [0xe9] : []), Buffer.from(part)]),
  );
