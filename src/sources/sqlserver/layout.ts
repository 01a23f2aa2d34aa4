// Where things lie in a snapshot of a server, and how names become paths.
//
//   00-server.json              what the server is, and its databases
//   shop/00-database.sql        the database itself: collation, compatibility level, snapshot isolation
//   shop/01-schema.sql          schemas, types, sequences, tables with their columns
//   shop/02-contents.json       the same and all that follows as data, for a restore by Holdfast
//   shop/data/dbo.orders/00-begin.sql, 0000.sql, end.sql      rows; before and after them what an identity column needs
//   shop/manifest.json
//   shop/post-data.sql          keys, indexes, constraints, views, procedures, triggers, permissions
//   shop/database.bak           instead of all these but the manifest: what BACKUP DATABASE wrote
//
// In the byte order of these names each file comes after what it needs; no database can have the name of a file of ours.
import { manifestName } from '../manifest.ts';
import { decodeName, encodeName as encode, folderOf } from '../path-names.ts';
import { placeIn } from '../safe-path.ts';
import type { QualifiedName } from './identifiers.ts';

export const serverFile = '00-server.json';

/** The files of a database's folder. */
export const databaseFiles = {
  database: '00-database.sql',
  schema: '01-schema.sql',
  contents: '02-contents.json',
  manifest: manifestName,
  postData: 'post-data.sql',
} as const;

export type DatabaseFile = (typeof databaseFiles)[keyof typeof databaseFiles];

/** The server's own backup of a database. */
export const nativeFile = 'database.bak';

export const dataFolder = 'data';
/** What could not be learnt is reported under a path in here. */
export const unlearntFolder = 'unlearnt';

/** The files of a table's folder. */
export const tableFiles = { begin: '00-begin.sql', rows: '0000.sql', end: 'end.sql' } as const;

/** The folder of a database. It sorts after the server's own file. */
export const databasePath = (database: string): string => folderOf(encodeName(database));

/** The folder of a table's data, relative to its database: 'data/dbo.orders'. */
export const tablePath = ({ schema, name }: QualifiedName): string =>
  `${dataFolder}/${encodeName(schema)}.${encodeName(name)}`;

/** The file with a table's rows, relative to its database. */
export const rowsPath = (table: QualifiedName): string => `${tablePath(table)}/${tableFiles.rows}`;

/** A path of a snapshot, understood. */
export type Place =
  | { readonly kind: 'server' }
  | { readonly kind: 'file'; readonly database: string; readonly file: DatabaseFile }
  | { readonly kind: 'rows'; readonly database: string; readonly table: QualifiedName }
  | { readonly kind: 'native'; readonly database: string }
  /** For sqlcmd: a restore by Holdfast has no use for it. */
  | { readonly kind: 'helper'; readonly database: string };

/** What such a backup was made from, for messages. */
export const kind = 'SQL Server';

/** What the file at a path of a snapshot is. PATH_UNSAFE for a path that could leave its place, TARGET_FAILED for one that is not ours. */
export const parsePath = (path: string): Place => placeIn(path, kind, placeOf);

const placeOf = ([top = '', second, third, fourth, ...rest]: readonly string[]): Place | undefined => {
  if (rest.length > 0) return undefined;
  if (second === undefined) return top === serverFile ? { kind: 'server' } : undefined;
  const database = decodeName(top);
  if (third === undefined) {
    if (second === nativeFile) return { kind: 'native', database };
    const file = Object.values(databaseFiles).find((known) => known === second);
    return file && { kind: 'file', database, file };
  }
  const [schema, name, ...more] = third.split('.');
  if (second !== dataFolder || !schema || !name || more.length > 0) return undefined;
  if (fourth === tableFiles.begin || fourth === tableFiles.end) return { kind: 'helper', database };
  if (fourth !== tableFiles.rows) return undefined;
  return { kind: 'rows', database, table: { schema: decodeName(schema), name: decodeName(name) } };
};

/** Also what Windows allows in no name of a file. */
const confusing = /[\p{Cc}/.=\\:*?"<>|]/gu;

/** A name as one part of a path. */
export const encodeName = (name: string): string => encode(name, confusing);
