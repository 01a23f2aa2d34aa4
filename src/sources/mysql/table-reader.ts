// What is in the rows of a snapshot: see row-text.ts.
import { isUtf8 } from 'node:buffer';
import { splitLines } from '#lib/split-lines.ts';
import type { RowShape, RowValues, TableReader } from '../table-reader.ts';
import { textOfBinary } from './binary-text.ts';
import { type ContentsTable, parseContents } from './contents.ts';
import { isPrimaryKey, parseCreateTable } from './create-table.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles } from './layout.ts';
import { itemsOf } from './sql-items.ts';

export const tableReader: TableReader = {
  definitions: [databaseFiles.tables, databaseFiles.contents],
  shapes(files) {
    const file = files.get(databaseFiles.contents);
    if (!file) return () => undefined;
    const contents = parseContents(file.toString('utf8'));
    const keys = primaryKeys(files.get(databaseFiles.tables));
    const shapes = new Map(
      contents.tables.map((table): [string, RowShape] => {
        const columns = columnsOf(table);
        const key = (keys.get(table.name) ?? []).filter((name) => columns.includes(name));
        return [plainName(contents.database, table.name), { key, valuesOf: (row) => valuesOf(row, columns) }];
      }),
    );
    return (table) => shapes.get(table);
  },
  isPlain: true,
  split: splitLines,
};

/** Of a system-versioned table also when each row began, and ended if it did. */
const columnsOf = ({ columns, history }: ContentsTable): string[] => [
  ...columns.map(({ name }) => name),
  ...(history ? [history.start, history.end] : []),
];

const primaryKeys = (tables: Buffer | undefined): Map<string, readonly string[]> => {
  const keys = new Map<string, readonly string[]>();
  for (const { type, name, statement } of tables ? itemsOf(tables) : []) {
    if (type !== 'table') continue;
    const key = parseCreateTable(statement)?.parts.find(isPrimaryKey);
    if (key === undefined) continue;
    const columns = [...key.matchAll(/`((?:[^`]|``)*)`/g)].map(([, column = '']) => column);
    keys.set(
      name,
      columns.map((column) => textOfBinary(column.replaceAll('``', '`'))),
    );
  }
  return keys;
};

const valuesOf = (row: Buffer, columns: readonly string[]): RowValues => {
  const fields = row.toString('latin1').split('\t');
  return new Map(columns.flatMap((name, at) => (at < fields.length ? [[name, told(fields[at] ?? '')]] : [])));
};

/** Bytes that are no text are told in hexadecimal digits, as the server's own literals have them. */
const told = (field: string): string | null => {
  if (field === '\\N') return null;
  const plain = field.includes('\\')
    ? field.replaceAll(/\\(.)/gs, (_, letter) => escapes[letter] ?? letter)
    : field;
  const bytes = Buffer.from(plain, 'latin1');
  return isUtf8(bytes) && !plain.includes('\0') ? bytes.toString('utf8') : `0x${bytes.toString('hex')}`;
};

const escapes: Readonly<Record<string, string>> = { '0': '\0', t: '\t', n: '\n' };
