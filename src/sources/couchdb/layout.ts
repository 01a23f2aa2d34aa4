// Where things lie in a snapshot of a server, and how names become paths.
//
//   00-server.json               what the server is, and its databases
//   shop/00-database.json        what the database is: its sequence, number of shards, limit of revisions
//   shop/data/4f/md5-…-1024      attachments of the documents in 4f.jsonl, by digest and length
//   shop/data/4f.jsonl           documents whose ids' SHA-256 begins with 4f, a leaf revision a line; all.jsonl where they are few
//   shop/design/…, design.jsonl  design documents, loaded last since they may refuse others
//   shop/index.jsonl             for the next backup: what each of these files holds
//   shop/local.jsonl             _local documents
//   shop/manifest.json
//   shop/security.json
//
// In the byte order of these names each file comes after what it needs; no database's name begins with a digit.
import { HoldfastError } from '#lib/errors.ts';
import { manifestName } from '../manifest.ts';
import { placeIn } from '../safe-path.ts';
import { type Attachment, placeOf } from './leaf.ts';

export const serverFile = '00-server.json';

/** The files of a database's folder. */
export const databaseFiles = {
  database: '00-database.json',
  index: 'index.jsonl',
  local: 'local.jsonl',
  manifest: manifestName,
  security: 'security.json',
} as const;

export type DatabaseFile = keyof typeof databaseFiles;

export const dataFolder = 'data';
const linesExtension = '.jsonl';

/** A group of documents that lie in one file: 'all', the first hex digits of a hash, or 'design'. */
export type Partition = string;
export const designPartition = 'design';
const wholePartition = 'all';

/** The partition of a document when hashes are told apart by so many digits. */
export const partitionOf = (id: string, depth: number): Partition =>
  id.startsWith('_design/') ? designPartition : depth === 0 ? wholePartition : placeOf(id).slice(0, depth);

/** The file of a partition's documents, relative to the database's folder. */
export const documentsPath = (partition: Partition): string =>
  `${attachmentsFolder(partition)}${linesExtension}`;

/** The folder of a partition's attachments, which sorts before the file of its documents. */
export const attachmentsFolder = (partition: Partition): string =>
  partition === designPartition ? designPartition : `${dataFolder}/${partition}`;

/** The file of an attachment. The length tells apart what a server compressed from what came to it compressed. */
export const attachmentFile = ({ digest, length }: Attachment): string => {
  const [, algorithm, value] = /^([a-z0-9]+)-([A-Za-z0-9+/]+=*)$/.exec(digest) ?? [];
  if (algorithm === undefined || value === undefined)
    throw new HoldfastError('ITEM_UNREADABLE', `an attachment has the digest ${JSON.stringify(digest)}`, {
      hint: 'it is not of a form that is known; report it',
    });
  return `${algorithm}-${Buffer.from(value, 'base64').toString('hex')}-${length}`;
};

/** The folder of a database: its name, with what cannot be in a folder's name percent-encoded. */
export const databasePath = (database: string): string =>
  database.replaceAll(/[%/\\\p{Cc}]/gu, encodeURIComponent);

const databaseOf = (folder: string): string | undefined => {
  try {
    const name = decodeURIComponent(folder);
    return databasePath(name) === folder ? name : undefined;
  } catch {
    return undefined;
  }
};

/** A path of a snapshot, understood. */
export type Place =
  | { readonly kind: 'server' }
  | { readonly kind: 'file'; readonly database: string; readonly file: DatabaseFile }
  | { readonly kind: 'documents'; readonly database: string; readonly partition: Partition }
  | {
      readonly kind: 'attachment';
      readonly database: string;
      readonly partition: Partition;
      readonly file: string;
    };

/** What such a backup was made from, for messages. */
export const kind = 'a CouchDB server';

/** What the file at a path of a snapshot is. PATH_UNSAFE for a path that could leave its place, TARGET_FAILED for one that is not ours. */
export const parsePath = (path: string): Place => placeIn(path, kind, placeAt);

const placeAt = ([top = '', ...below]: readonly string[]): Place | undefined => {
  const path = below.join('/');
  if (path === '') return top === serverFile ? { kind: 'server' } : undefined;
  const database = databaseOf(top);
  if (database === undefined) return undefined;
  const file = (Object.keys(databaseFiles) as DatabaseFile[]).find((name) => databaseFiles[name] === path);
  if (file) return { kind: 'file', database, file };
  const [, inData, design, attachment] = partitionPath.exec(path) ?? [];
  const partition = inData ?? design;
  if (partition === undefined) return undefined;
  return attachment === undefined
    ? { kind: 'documents', database, partition }
    : { kind: 'attachment', database, partition, file: attachment };
};

const partitionPath = /^(?:data\/(all|[0-9a-f]{1,8})|(design))(?:\.jsonl|\/([a-z0-9]+-[0-9a-f]+-\d+))$/;
