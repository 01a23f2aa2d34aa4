// Statements as a file for sqlcmd: batches with GO between them.
import { quoteIdentifier } from './identifiers.ts';
import { textLiteral } from './literal.ts';
import type { Contents } from './model.ts';
import type { Statement } from './statements.ts';

/** Each statement under a line that says what it makes. */
export const scriptOf = (title: string, statements: readonly Statement[]): string =>
  [
    `-- ${title}\n`,
    ...statements.map(({ what, batches }) => `-- ${inOneLine(what)}\n${batches.map(batchText).join('')}`),
  ].join('\n');

const inOneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ');

const batchText = (batch: string): string => `${sqlcmdSafe(batch)}\nGO\n`;

/** A line that sqlcmd would take for a word to itself must not stand alone, not even in a comment or a string. */
export const sqlcmdSafe = (batch: string): string =>
  /^\s*(?:GO\b|:[a-z]|!!|(?:exit|quit|reset|ed)\b)/im.test(batch)
    ? `DECLARE @batch nvarchar(max) = ${textLiteral(batch)};\nEXEC (@batch)`
    : batch;

/** 00-database.sql: the database itself. What it has besides its name is decoration. */
export const databaseStatements = ({ database }: Contents, name = database.name): Statement[] => {
  const quoted = quoteIdentifier(name);
  const collate = database.collation === undefined ? '' : ` COLLATE ${database.collation}`;
  const setting = (what: string, sql: string): Statement => ({
    what,
    batches: [`ALTER DATABASE ${quoted} SET ${sql}`],
    isDecoration: true,
  });
  return [
    { what: `database ${name}`, batches: [`CREATE DATABASE ${quoted}${collate}`] },
    ...(database.compatibility === undefined
      ? []
      : [setting('compatibility level', `COMPATIBILITY_LEVEL = ${database.compatibility}`)]),
    ...(database.recovery === undefined ? [] : [setting('recovery model', `RECOVERY ${database.recovery}`)]),
    ...(database.snapshotIsolation ? [setting('snapshot isolation', 'ALLOW_SNAPSHOT_ISOLATION ON')] : []),
    ...(database.readCommittedSnapshot
      ? [setting('read committed snapshot', 'READ_COMMITTED_SNAPSHOT ON')]
      : []),
  ];
};
