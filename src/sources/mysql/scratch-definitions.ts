// The definitions of a database, file by file: what a trial restore must bring back besides rows. Events are no part of a trial, and
// definers are left out: a restore tells of those that it could not set.

import { decodeName } from '../path-names.ts';
import type { ReadDefinitions } from '../source.ts';
import { binaryIdentifier, quotedSource } from './binary-text.ts';
import { parseContents } from './contents.ts';
import { databaseFiles } from './layout.ts';
import { withoutDefiner } from './run-items.ts';
import { itemsOf, type SqlItem } from './sql-items.ts';

/** `names` are those of the copies, by the databases' own. */
export const definitionsFor = (
  path: string,
  names: ReadonlyMap<string, string>,
): ReadDefinitions | undefined => {
  const [folder = '', file] = path.split('/');
  if (file === databaseFiles.contents) return readSequences;
  if (!scripts.includes(file)) return undefined;
  const database = decodeName(folder);
  return (_, bytes) => readItems(Buffer.from(bytes), database, names.get(database));
};

const scripts: readonly (string | undefined)[] = [
  databaseFiles.database,
  databaseFiles.tables,
  databaseFiles.postData,
];

/** What was written in the copy names the copy. */
const readItems = (
  script: Buffer,
  database: string,
  copy: string | undefined,
): ReadonlyMap<string, string> => {
  const own = binaryIdentifier(database);
  return new Map(
    itemsOf(script)
      .filter(({ type }) => type !== 'event')
      .map((item) => [
        nameOf(item),
        withoutDoubledCharset(
          withoutDefiner(
            copy === undefined ? item.statement : item.statement.replaceAll(binaryIdentifier(copy), own),
          ),
        ),
      ]),
  );
};

/** MySQL shows the character set besides the collation, which says it, where a table was made from what it showed. */
const withoutDoubledCharset = (statement: string): string =>
  statement.replace(doubledCharset, (found, charset?: string) => (charset === undefined ? found : ''));

const doubledCharset = new RegExp(String.raw`${quotedSource}| CHARACTER SET (\w+)(?= COLLATE \1_)`, 'g');

const nameOf = ({ type, name, table }: SqlItem): string => {
  if (type === 'database') return 'the database itself';
  return table === undefined ? `${type} ${name}` : `${type} ${name} of ${table}`;
};

const readSequences: ReadDefinitions = (text) =>
  new Map(
    parseContents(text).sequences.map(({ name, next, round }) => [
      `the value of sequence ${name}`,
      `${next} ${round}`,
    ]),
  );
