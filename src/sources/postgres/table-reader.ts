// What is in the rows of a snapshot: COPY's text format (https://www.postgresql.org/docs/current/sql-copy.html).
import { splitLines } from '#lib/split-lines.ts';
import { changesFile, changesSchema } from '../receiver.ts';
import {
  keyWithin,
  type RowShape,
  type SqlColumn,
  type SqlValue,
  type TableReader,
} from '../table-reader.ts';
import { type ColumnType, columnTypes } from './column-types.ts';
import { type ContentsTable, parseContents } from './contents.ts';
import { parseName, plainName } from './identifiers.ts';
import { databaseFiles } from './layout.ts';
import { rowText } from './row-text.ts';
import { itemsOfFile } from './sql-items.ts';

export const tableReader: TableReader = {
  definitions: [databaseFiles.preData, databaseFiles.contents, databaseFiles.postData],
  shapes(files) {
    const contents = files.get(databaseFiles.contents);
    if (!contents) return () => undefined;
    const keys = primaryKeys(files.get(databaseFiles.postData));
    const { tables, encoding } = parseContents(contents.toString('utf8'));
    const textOf = rowText(encoding);
    let types: ReturnType<typeof columnTypes> | undefined;
    const typesOf = (table: ContentsTable): ReadonlyMap<string, ColumnType> => {
      types ??= columnTypes(files.get(databaseFiles.preData), tables);
      return types(table);
    };
    const shapes = new Map(
      tables.map((table) => {
        const key = keyWithin(keys.get(plainName(table)) ?? [], table.columns);
        return [plainName(table), shapeOf(table, { key, textOf, types: () => typesOf(table) })];
      }),
    );
    return (table) => shapes.get(table);
  },
  isPlain: true,
  split: splitLines,
};

/** The rows of a partial backup, where `changes.json` stands for the definitions, and tells no types. */
export const changesReader: TableReader = {
  ...tableReader,
  definitions: [databaseFiles.preData, changesFile],
  shapes(files) {
    const changes = files.get(changesFile);
    if (!changes) return () => undefined;
    const { tables } = changesSchema.parse(JSON.parse(changes.toString('utf8')));
    const reading = { textOf: rowText('UTF8'), types: () => new Map<string, ColumnType>() };
    const shapes = new Map(
      tables.map((table) => [plainName(table), shapeOf(table, { ...reading, key: table.key })]),
    );
    return (table) => shapes.get(table);
  },
};

interface Reading {
  readonly key: readonly string[];
  readonly textOf: (row: Buffer) => string;
  readonly types: () => ReadonlyMap<string, ColumnType>;
}

const shapeOf = ({ columns }: Pick<ContentsTable, 'columns'>, { key, textOf, types }: Reading): RowShape => {
  const fieldsOf = (row: Buffer): string[] => (columns.length === 0 ? [] : textOf(row).split('\t'));
  return {
    key,
    valuesOf(row) {
      const fields = fieldsOf(row);
      return new Map(columns.map((name, at) => [name, told(fields[at] ?? nullMark)]));
    },
    get columns() {
      const known = types();
      return columns.map((name): SqlColumn => ({ name, type: known.get(name)?.type ?? 'TEXT' }));
    },
    sqlReader(wanted) {
      const known = types();
      const chosen = wanted.map((name) => ({ at: columns.indexOf(name), read: known.get(name)?.read }));
      return (row) => {
        const fields = fieldsOf(row);
        return chosen.map(({ at, read }): SqlValue => {
          const text = told(fields[at] ?? nullMark);
          return text !== null && read ? read(text) : text;
        });
      };
    },
  };
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

const nullMark = '\\N';

const told = (field: string): string | null => {
  if (field === nullMark) return null;
  return field.includes('\\') ? field.replaceAll(/\\(.)/gs, (_, letter) => escapes[letter] ?? letter) : field;
};

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
