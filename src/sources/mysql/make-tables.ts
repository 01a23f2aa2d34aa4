// Sequences and tables of a backup, made in a database that may have another name than theirs.

import type { Reporter } from '../restore-report.ts';
import { binaryIdentifier } from './binary-text.ts';
import type { Connection } from './connect.ts';
import type { Contents } from './contents.ts';
import { quoteIdentifier } from './identifiers.ts';
import { setSequenceSql } from './load-data.ts';
import { runItem } from './run-items.ts';
import type { SqlItem } from './sql-items.ts';

/** Each sequence gets its number at once, so that nothing takes a number that was given away. */
export const makeTables = async (
  connection: Connection,
  items: readonly SqlItem[],
  contents: Contents,
  database: string,
  reporter: Reporter,
): Promise<void> => {
  for (const item of items) {
    await runItem(connection, withSequencesOf(item, contents.database, database), reporter);
    const value = contents.sequences.find(({ name }) => item.type === 'sequence' && name === item.name);
    if (value) await connection.run(setSequenceSql(quoteIdentifier(value.name), value));
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
