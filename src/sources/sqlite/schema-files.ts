// create.sql and finish.sql: plain SQL for the sqlite3 shell, and statement by statement for Holdfast's own restore.
import { quoteName, quoteText } from './identifiers.ts';
import type { Definition, Schema } from './schema.ts';

/** Newer shells begin with settings that neither virtual tables can be entered under, nor texts in double quotes are read. */
export const shellCommand = "sqlite3 -bail -cmd '.dbconfig defensive off' -cmd '.dbconfig dqs_ddl on'";

/** What makes the tables. The transaction it begins ends with finish.sql. */
export const createSql = ({ settings, tables, virtualTables }: Schema): string =>
  statementFile(
    `-- A SQLite database by Holdfast. Rebuild it: cat create.sql data/*/*.sql finish.sql | ${shellCommand} new.db`,
    [
      `PRAGMA page_size=${settings.page_size}`,
      `PRAGMA encoding=${quoteText(settings.encoding)}`,
      `PRAGMA auto_vacuum=${settings.auto_vacuum}`,
      'PRAGMA foreign_keys=OFF',
      'PRAGMA ignore_check_constraints=ON',
      'BEGIN',
      ...tables.map(({ sql }) => withClosedComment(sql)),
      ...withWritableSchema(virtualTables.map(virtualTableRow)),
    ],
  );

/** What follows the rows. `internalRows` are the INSERT statements of each of SQLite's own tables. */
export const finishSql = (
  { settings, others, internal }: Schema,
  internalRows: ReadonlyMap<string, readonly string[]>,
  journalMode: string,
): string =>
  statementFile('-- Load this after create.sql and the data, in the same session.', [
    ...withWritableSchema(
      internal.flatMap(({ name, sql }) => [
        sql.replace(/^CREATE TABLE /, 'CREATE TABLE IF NOT EXISTS '),
        `DELETE FROM ${quoteName(name)}`,
        ...(internalRows.get(name) ?? []),
      ]),
    ),
    ...others.map(({ sql }) => withClosedComment(sql)),
    `PRAGMA user_version=${settings.user_version}`,
    `PRAGMA application_id=${settings.application_id}`,
    'COMMIT',
    ...(journalMode === 'wal' ? ['PRAGMA journal_mode=WAL'] : []),
  ]);

/** The statements of such a file. */
export const statementsOf = (file: string): string[] => {
  const [, rule = '--'] = file.split('\n', 2);
  const [, ...statements] = file.split(`\n${rule}\n`);
  return statements;
};

/** Making a virtual table would make what it keeps anew; entered into the schema like this, it finds what was dumped. */
const virtualTableRow = ({ name, sql }: Definition): string =>
  `INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) VALUES('table',${quoteText(name)},${quoteText(name)},0,${quoteText(sql)})`;

const withWritableSchema = (statements: readonly string[]): string[] =>
  statements.length === 0 ? [] : ['PRAGMA writable_schema=ON', ...statements, 'PRAGMA writable_schema=OFF'];

/** A definition may end in a comment, even one without an end, which must not take the semicolon with it. */
const withClosedComment = (sql: string): string => {
  const last = [...sql.matchAll(quotedOrComment)].at(-1);
  const [text] = last ?? [''];
  if (last === undefined || last.index + text.length < sql.length) return sql;
  if (text.startsWith('--')) return `${sql}\n`;
  return text.startsWith('/*') && !/^\/\*.*\*\/$/s.test(text) ? `${sql}*/` : sql;
};

const quotedOrComment = /--[^\n]*|\/\*.*?(?:\*\/|$)|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]/gs;

/** A title, and the statements, each after a line that no statement has: the second line of the file shows it. */
const statementFile = (title: string, statements: readonly string[]): string => {
  let rule = '--';
  while (statements.some((sql) => `\n${sql}\n`.includes(`\n${rule}\n`))) rule += '-';
  return [title, ...statements.map((sql) => `${sql};`)].join(`\n${rule}\n`).concat('\n');
};
