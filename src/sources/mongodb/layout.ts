// Where things lie in a snapshot of a server: as mongodump lays them out, so that mongorestore reads a restored folder.
//
//   00-server.json              what the server is, and every collection's options and indexes, exact to the byte
//   prelude.json                the server's version, by which mongorestore judges users and roles
//   admin/system.users.bson     with `users: true`, also system.roles and system.version
//   oplog.bson                  what was written meanwhile, when the oplog makes the backup consistent
//   shop/orders.bson            the documents, one after the other; as they are captured, in the order of _id
//   shop/orders.metadata.json   options, indexes, uuid, type in extended JSON
//   shop/manifest.json          number and checksum of the documents
//
// mongorestore skips the two files of ours (00-server.json, manifest.json). A restore needs 00-server.json because orders.bson comes before its metadata.
import { createHash } from 'node:crypto';
import { manifestName } from '../manifest.ts';
import { placeIn } from '../safe-path.ts';

export const serverFile = '00-server.json';
export const preludeFile = 'prelude.json';
export const oplogFile = 'oplog.bson';
/** Time series keep their documents in a collection of this name and their own. */
export const bucketsPrefix = 'system.buckets.';

/** How the names begin that a restore gives to collections until they are whole; what is left of one that was killed is no data. */
export const stagingPrefix = (restore: string): string => `holdfast.${restore}.`;

export const isStaging = (collection: string): boolean =>
  /^holdfast\.(receiving-)?[0-9a-f]{8}\./.test(collection);

/** The file of a collection's documents, in the database's folder. */
export const documentsFile = (collection: string): string => `${fileName(collection)}.bson`;

export const metadataFile = (collection: string): string => `${fileName(collection)}.metadata.json`;

/**
 * A name as mongodump escapes it: Go's url.QueryEscape, and what becomes longer than 238 bytes cut short with a hash behind it
 * (mongodump/prepare.go).
 */
const fileName = (collection: string): string => {
  const escaped = queryEscape(collection);
  if (escaped.length <= longestName) return escaped;
  const hash = createHash('sha1').update(collection).digest('base64url');
  return `${escaped.slice(0, cutName)}%24${hash}`;
};

const longestName = 238;
const cutName = 208;

const queryEscape = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

/** A path of a snapshot, understood. */
export type Place =
  | { readonly kind: 'server' }
  | { readonly kind: 'prelude' }
  | { readonly kind: 'oplog' }
  | { readonly kind: 'manifest'; readonly database: string }
  /** `file` is a file of the database's folder. */
  | { readonly kind: 'documents' | 'metadata'; readonly database: string; readonly file: string };

/** What such a backup was made from, for messages. */
export const kind = 'a MongoDB server';

/** What the file at a path of a snapshot is. PATH_UNSAFE for a path that could leave its place, TARGET_FAILED for one that is not ours. */
export const parsePath = (path: string): Place => placeIn(path, kind, placeOf);

const placeOf = ([top = '', file, ...rest]: readonly string[]): Place | undefined => {
  if (rest.length > 0) return undefined;
  if (file === undefined) return topFiles.get(top);
  if (file === manifestName) return { kind: 'manifest', database: top };
  if (file.endsWith('.metadata.json')) return { kind: 'metadata', database: top, file };
  return file.endsWith('.bson') ? { kind: 'documents', database: top, file } : undefined;
};

const topFiles: ReadonlyMap<string, Place> = new Map([
  [serverFile, { kind: 'server' }],
  [preludeFile, { kind: 'prelude' }],
  [oplogFile, { kind: 'oplog' }],
]);
