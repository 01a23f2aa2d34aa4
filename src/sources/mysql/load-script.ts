// load.sql: what the stock client needs to load the files beside it. Holdfast itself does not read it.
import type { Contents, ContentsTable } from './contents.ts';
import { forHistory, takeHistorySql } from './history.ts';
import { quoteIdentifier } from './identifiers.ts';
import { historyPath, rowsPath } from './layout.ts';
import { fileColumns, fileLiteral, loadSql, setSequenceSql } from './load-data.ts';

const head = `-- Loads the rows and sequences of this folder, between 01-tables.sql and post-data.sql. In this folder:
--   mariadb --local-infile DATABASE < load.sql       (or mysql; a MySQL server must have local_infile switched on)
`;

const settings = `SET NAMES utf8mb4, sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00', foreign_key_checks = 0, unique_checks = 0 /*M!100201 , check_constraint_checks = 0 */;
`;

/** What the session that loads rows must be told. */
export const loadSettings = ({ tables }: Contents): string =>
  tables.some(({ history }) => history) ? `${settings}${forHistory(takeHistorySql)};\n` : settings;

export const loadScript = (contents: Contents): string =>
  [
    head + loadSettings(contents),
    ...contents.sequences.map((value) => `${setSequenceSql(quoteIdentifier(value.name), value)};`),
    ...contents.tables.filter(({ rows }) => rows).flatMap((table) => loads(table).map((sql) => `${sql};`)),
    '',
  ].join('\n');

/** Servers that take no history load the current rows. */
const loads = (table: ContentsTable): string[] => {
  const name = quoteIdentifier(table.name);
  const current = fileColumns(table, 'current', 'with history');
  const sql = loadSql(fileLiteral(rowsPath(table.name)), name, current);
  if (table.history === undefined) return [sql];
  const past = loadSql(fileLiteral(historyPath(table.name)), name, fileColumns(table, 'history'));
  return [sql, forHistory(past)];
};
