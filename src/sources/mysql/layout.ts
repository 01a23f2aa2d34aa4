// Where things lie in a snapshot of a server, and how names become paths.
//
//   00-server.json              what the server is, and its databases
//   01-users.sql                users, roles and grants, when they are asked for
//   shop/00-database.sql        the database itself: character set and collation
//   shop/01-tables.sql          sequences and tables
//   shop/02-contents.json       the tables with their columns, and the values of the sequences
//   shop/data/orders/0000.tsv   rows, as LOAD DATA takes them; of a system-versioned table each with its row start
//   shop/data/orders/history.tsv   of a system-versioned table: rows that are no more, each with its row start and row end
//   shop/load.sql               the same for the stock client: LOAD DATA of every table, setval of every sequence
//   shop/manifest.json
//   shop/post-data.sql          routines, views, triggers, events
//
// In the byte order of these names each file comes after what it needs; no database can have the name of a file of ours.
import { manifestName } from '../manifest.ts';
import { decodeName, encodeName, folderOf } from '../path-names.ts';
import { placeIn } from '../safe-path.ts';

export const serverFile = '00-server.json';
export const usersFile = '01-users.sql';

/** The files of a database's folder. */
export const databaseFiles = {
  database: '00-database.sql',
  tables: '01-tables.sql',
  contents: '02-contents.json',
  load: 'load.sql',
  manifest: manifestName,
  postData: 'post-data.sql',
} as const;

export type DatabaseFile = (typeof databaseFiles)[keyof typeof databaseFiles];

export const dataFolder = 'data';

/** The folder of a database. It sorts after the server's own files. */
export const databasePath = (database: string): string => folderOf(encodeName(database));

/** The folder of a table's data, relative to its database: 'data/orders'. */
export const tablePath = (table: string): string => `${dataFolder}/${encodeName(table)}`;

/** The file with a table's rows, relative to its database. */
export const rowsPath = (table: string): string => `${tablePath(table)}/${rowsFile}`;

/** The file with rows that are no more, of a system-versioned table. */
export const historyPath = (table: string): string => `${tablePath(table)}/${historyFile}`;

const rowsFile = '0000.tsv';
const historyFile = 'history.tsv';

/** Which rows of a table a file has. */
export type RowsPart = 'current' | 'history';

/** A path of a snapshot, understood. */
export type Place =
  | { readonly kind: 'server' }
  | { readonly kind: 'users' }
  | { readonly kind: 'file'; readonly database: string; readonly file: DatabaseFile }
  | { readonly kind: 'rows'; readonly database: string; readonly table: string; readonly part: RowsPart };

/** What such a backup was made from, for messages. */
export const kind = 'MariaDB or MySQL';

/** What the file at a path of a snapshot is. PATH_UNSAFE for a path that could leave its place, TARGET_FAILED for one that is not ours. */
export const parsePath = (path: string): Place => placeIn(path, kind, placeOf);

const placeOf = ([top = '', second, third, fourth, ...rest]: readonly string[]): Place | undefined => {
  if (rest.length > 0) return undefined;
  if (second === undefined)
    return top === serverFile ? { kind: 'server' } : top === usersFile ? { kind: 'users' } : undefined;
  const database = decodeName(top);
  if (third === undefined) {
    const file = Object.values(databaseFiles).find((known) => known === second);
    return file && { kind: 'file', database, file };
  }
  const part = fourth === rowsFile ? 'current' : fourth === historyFile ? 'history' : undefined;
  if (second !== dataFolder || third === '' || part === undefined) return undefined;
  return { kind: 'rows', database, table: decodeName(third), part };
};
