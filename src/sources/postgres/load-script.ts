// load.sql: what psql needs to load the files beside it. Holdfast itself does not read it.
import type { Contents, ContentsTable } from './contents.ts';
import { type ForeignKey, withReferred } from './foreign-keys.ts';
import { plainName, quoteIdentifier, quoteName } from './identifiers.ts';
import { largeObjectLoad } from './large-objects.ts';
import { largeObjectDefinitionsPath, largeObjectPath, rangeFile, tablePath } from './layout.ts';
import { searchPathFor, searchPathSql, takerOf } from './row-places.ts';
import { setSequenceSql } from './sequences.ts';

const head = `-- Loads the rows, large objects and sequences of this folder with psql, between 01-pre-data.sql and post-data.sql:
--   psql -X -v ON_ERROR_STOP=1 -d DATABASE -f 01-pre-data.sql -f load.sql -f post-data.sql
`;

/** What the session that loads rows must be told. */
export const loadSettings = `set client_encoding = 'UTF8';
set standard_conforming_strings = on;
set array_nulls = on;
set datestyle = 'ISO';
set intervalstyle = 'postgres';
set lc_monetary = 'C';
set xmloption = content;
set row_security = off;
set statement_timeout = 0;
select pg_catalog.set_config('search_path', '', false);
`;

/**
 * The script as text; tables of extensions come after those that they refer to. A name with a line break cannot stand in \\copy;
 * the script then says so and fails.
 */
export const loadScript = (contents: Contents, extensionKeys: readonly ForeignKey[]): string =>
  [
    head + loadSettings,
    ...tableLines(contents, extensionKeys),
    ...contents.sequences.map(setSequenceSql),
    ...largeObjectLines(contents),
    '',
  ].join('\n');

const tableLines = (contents: Contents, extensionKeys: readonly ForeignKey[]): string[] => {
  let searchPath = '';
  const tables = new Map(contents.tables.map((table) => [plainName(table), table]));
  return withReferred(contents.tables, extensionKeys).flatMap((name) => {
    const table = tables.get(plainName(name));
    if (table === undefined) return [];
    const own = searchPathFor(contents, table);
    const lines = table.files === 0 || own === searchPath ? [] : [searchPathSql(own)];
    if (table.files > 0) searchPath = own;
    return [...lines, ...copyLines(table, contents.encoding)];
  });
};

const copyLines = (table: ContentsTable, encoding: string): string[] =>
  Array.from({ length: table.files }, (_, index) => {
    const columns = table.columns.map(quoteIdentifier).join(', ');
    const target = `${quoteName(takerOf(table))}${columns && ` (${columns})`}`;
    const file = `${tablePath(table)}/${rangeFile(index)}`;
    return copyLine(target, file, `with (format text, encoding '${encoding}')`);
  });

const largeObjectLines = ({ largeObjects, encoding }: Contents): string[] => {
  if (largeObjects.length === 0) return [];
  const { definitions, bytes } = largeObjectLoad;
  const options = `with (format text, encoding '${encoding}')`;
  return [
    definitions.create,
    copyLine(definitions.table, largeObjectDefinitionsPath, options),
    definitions.use,
    bytes.create,
    ...largeObjects.flatMap((group) => [
      copyLine(bytes.table, largeObjectPath(group), options),
      bytes.use,
      `truncate ${bytes.table};`,
    ]),
  ];
};

const copyLine = (target: string, file: string, options: string): string =>
  /[\r\n]/.test(target)
    ? `select cast(${literal(`load ${file} by hand: a name in it has a line break`)} as integer);`
    : `\\copy ${target} from ${literal(file)} ${options}`;

/** Encoded names have no backslashes. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
