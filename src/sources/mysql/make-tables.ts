// Sequences and tables of a backup, made in a database that may have another name than theirs.

import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import { binaryIdentifier, bytesOf } from './binary-text.ts';
import type { Connection } from './connect.ts';
import type { Contents } from './contents.ts';
import {
  parseCreateTable,
  withDefaultExpressions,
  withoutNextNumber,
  withUnknownOptions,
} from './create-table.ts';
import { quoteIdentifier } from './identifiers.ts';
import { setSequenceSql } from './load-data.ts';
import { loadMode, mildLoadMode } from './load-mode.ts';
import { runItem } from './run-items.ts';
import { ServerError } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';

interface Making {
  readonly contents: Contents;
  /** Where they are made. */
  readonly database: string;
  readonly reporter: Reporter;
  leaveOut(item: SqlItem, error: HoldfastError): void;
}

/** Each sequence gets its number at once, so that nothing takes a number that was given away. What the server refuses is handed to `leaveOut`. */
export const makeTables = async (
  connection: Connection,
  items: readonly SqlItem[],
  { contents, database, reporter, leaveOut }: Making,
): Promise<void> => {
  for (const item of items)
    try {
      const own = withSequencesOf(item, contents.database, database);
      await (item.type === 'table' ? makeTable : runItem)(connection, own, reporter);
      if (item.type === 'sequence') await setSequence(connection, item.name, contents);
    } catch (error) {
      if (!isRefusal(error) || !connection.usable) throw error;
      leaveOut(item, error);
    }
};

/** It is what the server says of a definition or of rows, and not that the snapshot is damaged. */
export const isRefusal = (error: unknown): error is HoldfastError =>
  hasCode(error, 'TARGET_FAILED') && error.cause instanceof ServerError;

/** Gives it the number that comes next. */
export const setSequence = async (
  connection: Connection,
  sequence: string,
  { sequences }: Contents,
): Promise<void> => {
  const value = sequences.find(({ name }) => name === sequence);
  if (!value) return;
  try {
    await connection.run(setSequenceSql(quoteIdentifier(sequence), value));
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new HoldfastError(
      'TARGET_FAILED',
      `the value of sequence ${sequence} could not be restored: ${error.message}`,
      { cause: error },
    );
  }
};

/** What a server refuses that it once took with a warning, such as a SET with a value twice, is made so again if it then is the same. */
export const makeTable = async (
  connection: Connection,
  given: SqlItem,
  reporter: Reporter,
): Promise<void> => {
  const isMysql = connection.version.engine === 'mysql';
  const item = isMysql ? { ...given, statement: withDefaultExpressions(given.statement) } : given;
  const full = { ...item, statement: withUnknownOptions(item.statement) };
  if (!isMysql && full.statement !== item.statement && parseCreateTable(item.statement))
    if (await isMadeMildly(connection, full, `${mildLoadMode},IGNORE_BAD_TABLE_OPTIONS`)) return;
  try {
    await runItem(connection, item, reporter);
  } catch (error) {
    if (!isRefusal(error) || !(await isMadeMildly(connection, item))) throw error;
  }
};

/** Without the strict mode a server may also change what it is told; then nothing is left of it. */
const isMadeMildly = async (
  connection: Connection,
  { name, statement }: SqlItem,
  mode = mildLoadMode,
): Promise<boolean> => {
  const table = quoteIdentifier(name);
  await connection.run(`set sql_mode = '${mode}'`);
  try {
    await connection.run(bytesOf(statement));
    const [made] = await connection.queryBytes<{ 'Create Table': string }>(`show create table ${table}`);
    const isSame = withoutNextNumber(made?.['Create Table'] ?? '') === withoutNextNumber(statement);
    if (!isSame) await connection.run(`drop table ${table}`);
    return isSame;
  } catch (error) {
    if (error instanceof ServerError) return false;
    throw error;
  } finally {
    if (connection.usable) await connection.run(`set sql_mode = '${loadMode}'`);
  }
};

/** A table whose defaults take numbers from sequences of another database. */
const withSequencesOf = (item: SqlItem, from: string, to: string): SqlItem => ({
  ...item,
  statement: inDatabase(item.statement, from, to),
});

/** The text with the sequences of another database; what stands in quotes stays. */
export const inDatabase = (text: string, from: string, to: string): string => {
  const call = `nextval(${binaryIdentifier(from)}.`;
  if (from === to || !text.includes(call)) return text;
  const source = call.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return text.replace(new RegExp(`'(?:[^'\\\\]|''|\\\\[\\s\\S])*'|${source}`, 'g'), (found) =>
    found === call ? `nextval(${binaryIdentifier(to)}.` : found,
  );
};
