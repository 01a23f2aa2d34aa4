// A whole database as one file for the stock client: the files of a dump, one after the other, with the rows as INSERT statements,
// since LOAD DATA would need files beside it. Taken apart again, the rows are those lines once more.
import { HoldfastError } from '#lib/errors.ts';
import { splitLines } from '#lib/split-lines.ts';
import { decodeName } from '../path-names.ts';
import type { PlainPart, PlainPlan } from '../plain-dump.ts';
import { readPlain } from '../plain-dump.ts';
import type { Content, Entry } from '../source.ts';
import { type Contents, type ContentsTable, parseContents } from './contents.ts';
import { historyOpen } from './history.ts';
import { quoteIdentifier } from './identifiers.ts';
import { columnsSql, valuesOf } from './insert-rows.ts';
import { databaseFiles, parsePath, serverFile, usersFile } from './layout.ts';
import { type FileColumn, fileColumns, setSequenceSql } from './load-data.ts';
import { loadSettings } from './load-script.ts';

/** Users belong to no database. */
export const plainPlan: PlainPlan = {
  databaseOf(path) {
    const [top = ''] = path.split('/');
    return top === serverFile || top === usersFile ? undefined : decodeName(top);
  },
  title: (database) => [
    `Database ${database} of MariaDB or MySQL. Load it into an empty one: mariadb new < this file (or mysql)`,
  ],
  parts,
};

async function* parts(entries: AsyncIterable<Entry>): AsyncGenerator<PlainPart> {
  let contents: Contents | undefined;
  for await (const { path, content: open } of entries) {
    const place = parsePath(path);
    const content = open?.() ?? [];
    if (place.kind === 'rows') {
      const table = contents?.tables.find(({ name }) => name === place.table);
      const rows =
        table && (place.part === 'history' ? pastLines(content, table) : insertLines(content, table));
      if (rows) yield { path, content: rows, before: beforeRows, after: afterRows };
    } else if (place.kind === 'file' && place.file === databaseFiles.contents) {
      const text = Buffer.concat(await Array.fromAsync(content, (chunk) => Buffer.from(chunk))).toString(
        'utf8',
      );
      contents = parseContents(text);
      const sequences = contents.sequences.map(
        (value) => `${setSequenceSql(quoteIdentifier(value.name), value)};\n`,
      );
      yield { path, content: [Buffer.from(text)], comment: true };
      yield { content: [Buffer.from(loadSettings(contents) + sequences.join(''))] };
    } else if (place.kind === 'file' && place.file !== databaseFiles.load) {
      const isSql = place.file === databaseFiles.tables || place.file === databaseFiles.postData;
      yield { path, content, ...(!isSql && { comment: true }) };
    }
  }
}

/** The bytes of values are the columns' own, in whatever character sets these are. */
const beforeRows =
  'SET character_set_client = binary, character_set_connection = binary;\nSTART TRANSACTION;\n';
const afterRows = 'COMMIT;\nSET character_set_client = utf8mb4, character_set_connection = utf8mb4;\n';

/** A statement ends when it is at least this long; servers take 16 MiB, unless told. */
const statementBytes = 512 * 1024;

/** `INSERT INTO … VALUES`, then a row a line, `,` before all but the first, and `;` in a line of its own. */
const insertLines = (content: Content, table: ContentsTable): AsyncGenerator<Uint8Array> =>
  statements(content, table, {
    columns: fileColumns(table, 'current', 'with history'),
    open: '',
    rowOf: (row) => row,
    end: ';\n',
  });

/** Servers that take no history pass them over. */
const pastLines = (content: Content, table: ContentsTable): AsyncGenerator<Uint8Array> =>
  statements(content, table, {
    columns: fileColumns(table, 'history'),
    open: historyOpen,
    // The end of a comment, in a value. A backslash before a slash means nothing, and a row has none of its own.
    rowOf: (row) => (row.includes('*/') ? binary(text(row).replaceAll('*/', '*\\/')) : row),
    end: '*/;\n',
  });

interface Statements {
  readonly columns: readonly FileColumn[];
  /** What stands before a statement, and after it. */
  readonly open: string;
  readonly rowOf: (row: Buffer) => Buffer;
  readonly end: string;
}

async function* statements(
  content: Content,
  { name }: ContentsTable,
  { columns, open, rowOf, end: endText }: Statements,
): AsyncGenerator<Uint8Array> {
  const head = Buffer.from(`${open}INSERT INTO ${quoteIdentifier(name)} (${columnsSql(columns)}) VALUES\n`);
  const end = Buffer.from(endText);
  let length = 0;
  for await (const lines of splitLines(content)) {
    const pieces: Buffer[] = [];
    for (const line of lines) {
      const row = rowOf(valuesOf(line, columns));
      pieces.push(length === 0 ? head : comma, row, newline);
      length += row.length + 1;
      if (length < statementBytes) continue;
      pieces.push(end);
      length = 0;
    }
    yield Buffer.concat(pieces);
  }
  if (length > 0) yield end;
}

const comma = Buffer.from(',');
const newline = Buffer.from('\n');
const text = (bytes: Buffer): string => bytes.toString('latin1');
const binary = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');

/** The entries of such a file, its rows as a dump has them. */
export async function* readPlainDump(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  for await (const entry of readPlain(bytes)) {
    const { content } = entry;
    yield content && parsePath(entry.path).kind === 'rows'
      ? { ...entry, content: () => rowLines(content()) }
      : entry;
  }
}

async function* rowLines(content: Content): AsyncGenerator<Uint8Array> {
  let head = ''; // of a statement, as far as it has come: names may have newlines
  for await (const lines of splitLines(content)) {
    const rows = lines.flatMap((line) => {
      const row = text(line);
      if (head !== '' || isHead.test(row)) {
        head = isWholeHead(head + row) ? '' : head + row;
        return [];
      }
      if (isEnd.test(row)) return [];
      const ofLine = row.replace(/^,/, '').replace(timeAtEnd, '$1)').replaceAll('*\\/', '*/');
      return [binary(`${fieldsOf(ofLine)}\n`)];
    });
    if (rows.length > 0) yield Buffer.concat(rows);
  }
}

const isHead = /^(?:\/\*M!\d+ )?INSERT INTO /;
const isEnd = /^(?:\*\/)?;$/;

/** The names in it have all come to their quotes. */
const isWholeHead = (head: string): boolean => head.endsWith(' VALUES') && head.split('`').length % 2 === 1;

/** Since when a row is, as its last value. */
const timeAtEnd = /\/\*M!\d+ (,?'[^']*') \*\/\)$/;

/** `('1','it''s',null)` as the line it was made of. */
const fieldsOf = (row: string): string => {
  if (row === '()') return '';
  const fields: string[] = [];
  for (let at = 1; at < row.length; at += 1) {
    if (row.startsWith('null', at)) {
      fields.push('\\N');
      at += 'null'.length;
      continue;
    }
    const isText = row.startsWith(textOpen, at);
    const start = at + (isText ? textOpen.length : 1);
    const stop = row[start - 1] === "'" ? endOfText(row, start) : -1;
    if (stop === -1) throw strange();
    fields.push(row.slice(start, stop).replaceAll("''", "'"));
    at = stop + (isText ? textClose.length : 1);
  }
  return fields.join('\t');
};

const textOpen = "convert('";
const textClose = "' using utf8mb4)";

/** The quote that is neither doubled nor behind an odd number of backslashes; -1 when there is none. */
const endOfText = (row: string, start: number): number => {
  for (let at = row.indexOf("'", start); at !== -1; at = row.indexOf("'", at + 1)) {
    let backslashes = 0;
    while (at - backslashes > start && row[at - backslashes - 1] === '\\') backslashes += 1;
    if (backslashes % 2 === 1) continue;
    if (row[at + 1] !== "'") return at;
    at += 1;
  }
  return -1;
};

const strange = (): HoldfastError =>
  new HoldfastError('TARGET_FAILED', 'a row of the dump is not as Holdfast writes it', {
    hint: 'load it with the stock client, or restore from another archive',
  });
