// Where things lie in a snapshot of a server, and how names become paths.
//
//   00-server.json              what the server is, and its databases
//   01-globals.sql              roles and tablespaces
//   shop/00-database.sql        the database itself: encoding, owner, settings, privileges
//   shop/01-pre-data.sql        pg_dump's section of that name: types, functions, tables
//   shop/02-contents.json       the tables with their columns and ranges, and the values of the sequences
//   shop/data/public.orders/0000.copy
//   shop/large-objects/00-definitions.copy
//   shop/large-objects/00000.copy
//   shop/load.sql               the same for psql: \copy of every table, setval of every sequence
//   shop/manifest.json
//   shop/post-data.sql          indexes, constraints, triggers, materialised views' contents
//
// In the byte order of these names each file comes after what it needs; no database can have the name of a file of ours.
import { manifestName } from '../manifest.ts';
import { decodeName, encodeName, folderOf } from '../path-names.ts';
import { placeIn } from '../safe-path.ts';
import type { QualifiedName } from './identifiers.ts';

export const serverFile = '00-server.json';
export const globalsFile = '01-globals.sql';

/** The files of a database's folder. */
export const databaseFiles = {
  database: '00-database.sql',
  preData: '01-pre-data.sql',
  contents: '02-contents.json',
  load: 'load.sql',
  manifest: manifestName,
  postData: 'post-data.sql',
} as const;

export type DatabaseFile = (typeof databaseFiles)[keyof typeof databaseFiles];

export const dataFolder = 'data';
export const largeObjectFolder = 'large-objects';

/** The folder of a database. It sorts after the server's own files. */
export const databasePath = (database: string): string => folderOf(encodeName(database));

/** The folder of a table's data, relative to its database: 'data/public.orders'. */
export const tablePath = ({ schema, name }: QualifiedName): string =>
  `${dataFolder}/${encodeName(schema)}.${encodeName(name)}`;

/** The file of a table's nth range. */
export const rangeFile = (index: number): string => `${String(index).padStart(4, '0')}.copy`;

/** The file of what large objects are besides their bytes; it sorts before these. */
export const largeObjectDefinitionsPath = `${largeObjectFolder}/00-definitions.copy`;

/** The file of a group of large objects, relative to the database's folder. */
export const largeObjectPath = (group: number): string =>
  `${largeObjectFolder}/${String(group).padStart(5, '0')}.copy`;

/** A path of a snapshot, understood. */
export type Place =
  | { readonly kind: 'server' }
  | { readonly kind: 'globals' }
  | { readonly kind: 'file'; readonly database: string; readonly file: DatabaseFile }
  | {
      readonly kind: 'table';
      readonly database: string;
      readonly table: QualifiedName;
      readonly range: number;
    }
  | { readonly kind: 'large-objects'; readonly database: string; readonly group: number | 'definitions' };

/** What such a backup was made from, for messages. */
export const kind = 'a PostgreSQL server';

/** What the file at a path of a snapshot is. PATH_UNSAFE for a path that could leave its place, TARGET_FAILED for one that is not ours. */
export const parsePath = (path: string): Place => placeIn(path, kind, placeOf);

const placeOf = ([top = '', second, third, fourth, ...rest]: readonly string[]): Place | undefined => {
  if (rest.length > 0) return undefined;
  if (second === undefined)
    return top === serverFile ? { kind: 'server' } : top === globalsFile ? { kind: 'globals' } : undefined;
  const database = decodeName(top);
  if (third === undefined) {
    const file = Object.values(databaseFiles).find((known) => known === second);
    return file && { kind: 'file', database, file };
  }
  if (`${second}/${third}` === largeObjectDefinitionsPath && fourth === undefined)
    return { kind: 'large-objects', database, group: 'definitions' };
  const number = /^(\d{4,9})\.copy$/.exec(fourth ?? third)?.[1];
  if (number === undefined) return undefined;
  if (second === largeObjectFolder && fourth === undefined)
    return { kind: 'large-objects', database, group: Number(number) };
  const [schema, name, ...more] = third.split('.');
  if (second !== dataFolder || fourth === undefined || !schema || !name || more.length > 0) return undefined;
  const table = { schema: decodeName(schema), name: decodeName(name) };
  return { kind: 'table', database, table, range: Number(number) };
};
