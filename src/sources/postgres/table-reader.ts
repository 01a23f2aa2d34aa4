// What is in the rows of a snapshot: COPY's text format (https://www.postgresql.org/docs/current/sql-copy.html).
import { splitLines } from '#lib/split-lines.ts';
import type { RowShape, RowValues, TableReader } from '../table-reader.ts';
import { parseContents } from './contents.ts';
import { parseName, plainName } from './identifiers.ts';
import { databaseFiles } from './layout.ts';
import { itemsOfFile } from './sql-items.ts';

export const tableReader: TableReader = {
  definitions: [databaseFiles.contents, databaseFiles.postData],
  shapes(files) {
    const contents = files.get(databaseFiles.contents);
    if (!contents) return () => undefined;
    const keys = primaryKeys(files.get(databaseFiles.postData));
    const shapes = new Map(
      parseContents(contents.toString('utf8')).tables.map((table): [string, RowShape] => {
        const key = keys.get(plainName(table)) ?? [];
        return [plainName(table), { key, valuesOf: (row) => valuesOf(row, table.columns) }];
      }),
    );
    return (table) => shapes.get(table);
  },
  isPlain: true,
  split: splitLines,
};

const primaryKeys = (postData: Buffer | undefined): Map<string, readonly string[]> => {
  const keys = new Map<string, readonly string[]>();
  for (const { type, statements } of postData ? itemsOfFile(postData).items : []) {
    const [, table = '', columns = ''] =
      (type === 'CONSTRAINT' && primaryKey.exec(statements[0] ?? '')) || [];
    const [schema, name] = parseName(table) ?? [];
    if (schema === undefined || name === undefined) continue;
    keys.set(
      plainName({ schema, name }),
      columns.match(identifier)?.flatMap((one) => parseName(one) ?? []) ?? [],
    );
  }
  return keys;
};

const identifierSource = '(?:"(?:[^"]|"")+"|[^\\s".,()]+)';
const identifier = new RegExp(`(?<=^|, )${identifierSource}`, 'g');
const primaryKey = new RegExp(
  `^ALTER TABLE ONLY (${identifierSource}\\.${identifierSource})\\s+ADD CONSTRAINT ${identifierSource} PRIMARY KEY \\(((?:"(?:[^"]|"")+"|[^")])*)\\)`,
);

const valuesOf = (row: Buffer, columns: readonly string[]): RowValues => {
  const fields = columns.length === 0 ? [] : row.toString('utf8').split('\t');
  return new Map(columns.map((name, at) => [name, told(fields[at] ?? nullMark)]));
};

const nullMark = '\\N';

const told = (field: string): string | null => {
  if (field === nullMark) return null;
  return field.includes('\\') ? field.replaceAll(/\\(.)/gs, (_, letter) => escapes[letter] ?? letter) : field;
};

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
