// load.sql: what the stock client needs to load the files beside it. Holdfast itself does not read it.
import type { Contents } from './contents.ts';
import { quoteIdentifier } from './identifiers.ts';
import { rowsPath } from './layout.ts';
import { fileLiteral, loadSql, setSequenceSql } from './load-data.ts';

const head = `-- Loads the rows and sequences of this folder, between 01-tables.sql and post-data.sql. In this folder:
--   mariadb --local-infile DATABASE < load.sql       (or mysql; a MySQL server must have local_infile switched on)
`;

/** What the session that loads rows must be told. */
export const loadSettings = `SET NAMES utf8mb4, sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00', foreign_key_checks = 0, unique_checks = 0 /*M!100201 , check_constraint_checks = 0 */;
`;

export const loadScript = ({ tables, sequences }: Contents): string =>
  [
    head + loadSettings,
    ...sequences.map((value) => `${setSequenceSql(quoteIdentifier(value.name), value)};`),
    ...tables
      .filter(({ rows }) => rows)
      .map(({ name, columns }) => `${loadSql(fileLiteral(rowsPath(name)), quoteIdentifier(name), columns)};`),
    '',
  ].join('\n');
