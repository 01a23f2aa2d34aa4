// What is in the rows of a snapshot: see row-text.ts.
import { splitLines } from '#lib/split-lines.ts';
import {
  keyWithin,
  type RowShape,
  type SqlColumn,
  type SqlType,
  type SqlValue,
  type TableReader,
} from '../table-reader.ts';
import { textOfBinary } from './binary-text.ts';
import { isWide, type ReadText, textReader, utf8 } from './column-charset.ts';
import { type ContentsTable, parseContents } from './contents.ts';
import { type CreateTable, isPrimaryKey, parseCreateTable } from './create-table.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles } from './layout.ts';
import { itemsOf } from './sql-items.ts';

export const tableReader: TableReader = {
  definitions: [databaseFiles.tables, databaseFiles.contents],
  shapes(files) {
    const file = files.get(databaseFiles.contents);
    if (!file) return () => undefined;
    const contents = parseContents(file.toString('utf8'));
    const definitions = definitionsOf(files.get(databaseFiles.tables));
    const shapes = new Map(
      contents.tables.map((table) => [
        plainName(contents.database, table.name),
        shapeOf(columnsOf(table), definitions.get(table.name) ?? { parts: [], options: '' }),
      ]),
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

const definitionsOf = (tables: Buffer | undefined): Map<string, CreateTable> =>
  new Map(
    (tables ? itemsOf(tables) : []).flatMap(({ type, name, statement }) => {
      const parsed = type === 'table' && parseCreateTable(statement);
      return parsed ? [[name, parsed]] : [];
    }),
  );

/** What a user says of a key, which may hold names in quotes. */
const comment = /(?<=\)[^`]*) COMMENT '.*$/s;

const shapeOf = (names: readonly string[], { parts, options }: CreateTable): RowShape => {
  const primary = parts.find(isPrimaryKey)?.replace(comment, '') ?? '';
  const key = keyWithin(
    [...primary.matchAll(quoted)].map(([, name = '']) => nameOf(name)),
    names,
  );
  const known = new Map(parts.flatMap((part) => columnIn(part, options)));
  const columns = names.map((name, at) => ({ at, ...(known.get(name) ?? unknown) }));
  return {
    key,
    columns: names.map((name, at): SqlColumn => ({ name, type: columns[at]?.type ?? 'TEXT' })),
    spelledOtherwise: new Set(names.filter((_, at) => columns[at]?.isWide)),
    valuesOf(row) {
      const fields = fieldsOf(row);
      return new Map(
        columns
          .slice(0, fields.length)
          .map(({ at, text }) => [names[at] ?? '', told(fields[at] ?? '', text)]),
      );
    },
    sqlReader(wanted) {
      const chosen = wanted.map((name) => columns[names.indexOf(name)]);
      return (row) => {
        const fields = fieldsOf(row);
        return chosen.map((column) => {
          const bytes = bytesIn((column && fields[column.at]) ?? nullMark);
          return bytes && (column?.read ? column.read(bytes) : (column?.text(bytes) ?? bytes));
        });
      };
    },
  };
};

const quoted = /`((?:[^`]|``)*)`/g;

const nameOf = (binary: string): string => textOfBinary(binary.replaceAll('``', '`'));

interface Column {
  readonly type: SqlType;
  readonly text: ReadText;
  readonly isWide?: boolean;
  /** Makes its value, where that is not the text. */
  readonly read?: (bytes: Buffer) => SqlValue;
}

const unknown: Column = { type: 'TEXT', text: utf8 };

const columnIn = (part: string, options: string): [string, Column][] => {
  const [, name, word = ''] = /^`((?:[^`]|``)*)` (\w+)/.exec(part) ?? [];
  if (name === undefined) return [];
  const column = columnTypes.find(({ words }) => words.test(word)) ?? unknown;
  return [[nameOf(name), { ...column, text: textReader(part, options), isWide: isWide(part, options) }]];
};

const asBytes = (bytes: Buffer): SqlValue => bytes;
const asBits = (bytes: Buffer): SqlValue => `${BigInt(`0x${bytes.toString('hex')}`)}`;

const columnTypes: readonly (Pick<Column, 'type' | 'read'> & { readonly words: RegExp })[] = [
  { words: /(?:^|[^o])int$|^(?:integer|year)$/, type: 'INTEGER' },
  { words: /^bit$/, type: 'INTEGER', read: asBits },
  { words: /^decimal$/, type: 'NUMERIC' },
  { words: /^(?:float|double)$/, type: 'REAL' },
  { words: /blob$|binary$|^geom|point$|linestring$|polygon$|^vector$/, type: 'BLOB', read: asBytes },
];

const fieldsOf = (row: Buffer): string[] => row.toString('latin1').split('\t');

/** Bytes that are no text are told in hexadecimal digits, as the server's own literals have them. */
const told = (field: string, text: ReadText): string | null => {
  const bytes = bytesIn(field);
  return bytes && (text(bytes) ?? `0x${bytes.toString('hex')}`);
};

const bytesIn = (field: string): Buffer | null => {
  if (field === nullMark) return null;
  const plain = field.includes('\\')
    ? field.replaceAll(/\\(.)/gs, (_, letter) => escapes[letter] ?? letter)
    : field;
  return Buffer.from(plain, 'latin1');
};

const nullMark = '\\N';

const escapes: Readonly<Record<string, string>> = { '0': '\0', t: '\t', n: '\n' };
