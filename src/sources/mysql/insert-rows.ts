// Rows by INSERT, for servers that take no LOAD DATA LOCAL: MySQL has it switched off unless told.
import { splitLines } from '#lib/split-lines.ts';
import { damagedSnapshot } from '../damaged-snapshot.ts';
import type { Content } from '../source.ts';
import type { Connection } from './connect.ts';
import { forHistory, historyClose, historyOpen } from './history.ts';
import { quoteIdentifier } from './identifiers.ts';
import type { FileColumn } from './load-data.ts';
import { firstWarning, loadMode, mildLoadMode } from './load-mode.ts';
import type { LoadedRows } from './load-rows.ts';
import type { ServerError } from './server-error.ts';

/** A statement is sent when it is at least this long; a longer row goes alone. */
const statementBytes = 512 * 1024;

/** In one transaction and with warnings for errors of values, as LOAD DATA would do it. */
export const insertRows = async (
  connection: Connection,
  table: string,
  columns: readonly FileColumn[],
  content: () => Content,
): Promise<LoadedRows> => {
  const head = Buffer.from(`insert into ${quoteIdentifier(table)} (${columnsSql(columns)}) values `);
  let rows = 0;
  let bytes = 0;
  let waiting: Buffer[] = [];
  let length = 0;
  let warning: ServerError | undefined;
  const send = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const { warnings } = await connection.run(
      Buffer.concat([head, ...waiting.flatMap((row, index) => (index === 0 ? [row] : [comma, row]))]),
    );
    if (warnings > 0) warning ??= await firstWarning(connection);
    waiting = [];
    length = 0;
  };
  await connection.run(
    `set character_set_client = binary, character_set_connection = binary, sql_mode = '${mildLoadMode}'`,
  );
  await connection.run('start transaction');
  try {
    for await (const lines of splitLines(content()))
      for (const line of lines) {
        const row = valuesOf(line, columns);
        rows += 1;
        bytes += line.length + 1;
        waiting.push(row);
        length += row.length;
        if (length >= statementBytes) await send();
      }
    await send();
    await connection.run('commit');
  } catch (error) {
    if (connection.usable) await connection.run('rollback');
    throw error;
  } finally {
    if (connection.usable)
      await connection.run(
        `set character_set_client = utf8mb4, character_set_connection = utf8mb4, sql_mode = '${loadMode}'`,
      );
  }
  return { rows, bytes, warning };
};

const comma = Buffer.from(',');
const tab = '\t'.charCodeAt(0);
const quote = "'".charCodeAt(0);
const open = Buffer.from("'");
const historyOnly = { open: Buffer.from(historyOpen), close: Buffer.from(historyClose) };
const asText = { open: Buffer.from("convert('"), close: Buffer.from("' using utf8mb4)") };

/** The columns that an INSERT names. */
export const columnsSql = (columns: readonly FileColumn[]): string => {
  let sql = '';
  for (const { name, stored } of columns) {
    const next = `${sql === '' ? '' : ', '}${quoteIdentifier(name)}`;
    if (stored !== 'never') sql += stored ? ` ${forHistory(next)}` : next;
  }
  return sql;
};

/** `('1','it''s',null)` of a line: its escapes mean the same between quotes, so only quotes are doubled. */
export const valuesOf = (line: Buffer, columns: readonly FileColumn[]): Buffer => {
  if (columns.length === 0) return Buffer.from('()');
  const parts: Buffer[] = [Buffer.from('(')];
  let start = 0;
  for (const [index, { text, stored }] of columns.entries()) {
    const end = index + 1 === columns.length ? line.length : line.indexOf(tab, start);
    if (end === -1) throw damagedSnapshot('a row of the snapshot has fewer columns than its table');
    const field = line.subarray(start, end);
    start = end + 1;
    if (stored === 'never') continue;
    if (stored) parts.push(historyOnly.open);
    if (index > 0) parts.push(comma);
    if (isNull(field)) parts.push(Buffer.from('null'));
    else parts.push(text ? asText.open : open, quoted(field), text ? asText.close : open);
    if (stored) parts.push(historyOnly.close);
  }
  parts.push(Buffer.from(')'));
  return Buffer.concat(parts);
};

const isNull = (field: Buffer): boolean => field.length === 2 && field.equals(nullField);
const nullField = Buffer.from('\\N');

const quoted = (field: Buffer): Buffer =>
  field.includes(quote) ? Buffer.from(field.toString('latin1').replaceAll("'", "''"), 'latin1') : field;
