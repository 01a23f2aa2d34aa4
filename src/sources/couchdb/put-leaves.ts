// Revisions of documents into a database, with their history: many in one request, large attachments as streams.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import type { Content } from '../source.ts';
import { bytesOf } from './entry-stream.ts';
import type { CouchClient, CouchRequest } from './http.ts';
import { attachmentFile } from './layout.ts';
import { type Attachment, type Leaf, withMembers } from './leaf.ts';
import { documentParts, type ServerFacts } from './server.ts';

/** A leaf, and where the bytes of its attachments are. */
export interface StoredLeaf {
  readonly leaf: Leaf;
  /** The file in which it lies. */
  readonly path: string;
  attachment(file: string): (() => Content) | undefined;
}

/** A revision that the server refused. */
export interface Refused {
  readonly id: string;
  readonly rev: string;
  readonly error: Error;
}

export interface PutTarget {
  readonly client: CouchClient;
  readonly facts: ServerFacts;
  readonly database: string;
}

/** Attachments of a revision that are no more than this together travel within the document. */
const inlineBytes = 1024 * 1024;

/** True when it goes by itself, its attachments streamed, as large and as compressed as they came. PouchDB Server cannot take them so. */
export const isStreamed = async ({ vendor }: ServerFacts, stored: StoredLeaf): Promise<boolean> => {
  if (vendor !== 'CouchDB') return false;
  const { attachments } = stored.leaf;
  if (attachments.reduce((sum, { length }) => sum + length, 0) > inlineBytes) return true;
  const compressed = await compressedOf(stored).catch(() => undefined); // told when its content is needed
  return compressed !== undefined && compressed.size > 0;
};

/** Writes revisions as a replication does: each with the history and name it had. */
export const putLeaves = async (target: PutTarget, leaves: readonly StoredLeaf[]): Promise<Refused[]> => {
  const documents: Buffer[] = [];
  const refused: Refused[] = [];
  for (const stored of leaves) {
    const { id, rev } = stored.leaf;
    const document = await withAttachments(stored).catch((error: unknown) => unreadable(stored.leaf, error));
    if (Buffer.isBuffer(document)) documents.push(document);
    else refused.push({ id, rev, error: document });
  }
  return [...refused, ...(await postDocuments(target, documents, false))];
};

/**
 * Writes documents in one request, with `newEdits` each as a new revision of what is there. When that is too large for the server, which
 * it says of a single document as well, they go in smaller ones.
 */
export const postDocuments = async (
  target: PutTarget,
  documents: readonly Buffer[],
  newEdits: boolean,
): Promise<Refused[]> => {
  if (documents.length === 0) return [];
  try {
    return await postTogether(target, documents, newEdits);
  } catch (error) {
    if (!hasCode(error, 'TARGET_FAILED')) throw error;
    const [first] = documents;
    if (first && documents.length === 1) {
      const { _id: id, _rev: rev = '' } = JSON.parse(first.toString()) as { _id: string; _rev?: string };
      return [{ id, rev, error }];
    }
    const half = Math.ceil(documents.length / 2);
    const refused = await postDocuments(target, documents.slice(0, half), newEdits);
    return [...refused, ...(await postDocuments(target, documents.slice(half), newEdits))];
  }
};

const postTogether = async (
  { client, database }: PutTarget,
  documents: readonly Buffer[],
  newEdits: boolean,
): Promise<Refused[]> => {
  const body = Buffer.concat([
    Buffer.from(`{"new_edits":${newEdits},"docs":[`),
    ...documents.flatMap((document, at) => (at === 0 ? [document] : [comma, document])),
    Buffer.from(']}'),
  ]);
  const request = {
    method: 'POST',
    path: [database, '_bulk_docs'],
    body,
    doing: `write documents to ${database}`,
  } as const;
  const results = await client.parse(request, (answer) => JSON.parse(answer.toString()) as readonly Result[]);
  return results
    .filter(({ error }) => error !== undefined)
    .map(({ id, rev, error, reason }) => ({
      id,
      rev: rev ?? '',
      error: refusedError(id, database, error, reason),
    }));
};

interface Result {
  readonly id: string;
  readonly rev?: string;
  readonly error?: string;
  readonly reason?: string;
}

const comma = Buffer.from(',');

const refusedError = (id: string, database: string, error = '', reason = ''): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `${database} refuses the document ${id}: ${error}, ${reason}`, {
    hint: 'a design document of the database may forbid it, or a right is missing: restore as a server administrator',
  });

const unreadable = ({ id }: Leaf, error: unknown): Error =>
  new HoldfastError('TARGET_FAILED', `the document ${id} was not restored: ${messageOf(error)}`, {
    cause: error,
    hint: 'verify the snapshot, and restore the document from another one',
  });

/** The document with its attachments in it, as base64. */
export const withAttachments = async (
  { leaf, attachment }: StoredLeaf,
  replace: Readonly<Record<string, string | undefined>> = {},
): Promise<Buffer> => {
  if (leaf.attachments.length === 0) return withMembers(leaf, replace);
  const inline: [string, unknown][] = [];
  for (const one of leaf.attachments) {
    const bytes = await bytesOf(contentOf(one, attachment)());
    if (bytes.length !== one.length)
      throw new Error(`attachment ${one.name} has ${bytes.length} bytes, not ${one.length}`);
    const plain =
      mayBeCompressed(one) && (await cameCompressed(one, [bytes])) ? await unzipped(bytes) : bytes;
    inline.push([one.name, { ...headOf(one), data: plain.toString('base64') }]);
  }
  return withMembers(leaf, { _attachments: JSON.stringify(Object.fromEntries(inline)), ...replace });
};

const contentOf = (attachment: Attachment, find: StoredLeaf['attachment']): (() => Content) => {
  const content = find(attachmentFile(attachment));
  if (content) return content;
  throw new Error(`the snapshot lacks its attachment ${attachment.name}`);
};

/**
 * Whether a client sent it compressed, for the server to give to others as it is when uncompressed. A text is gzip with that digest in a
 * backup for no other reason: what comes to CouchDB as it is, CouchDB compresses itself (its `compressible_types`), and the digest is of that.
 */
const cameCompressed = async (one: Attachment, content: Content): Promise<boolean> => {
  const md5 = createHash('md5');
  let start = Buffer.alloc(0);
  for await (const chunk of content) {
    if (start.length < magic.length) start = Buffer.concat([start, chunk.subarray(0, magic.length)]);
    if (start.length >= magic.length && !start.subarray(0, magic.length).equals(magic)) return false;
    md5.update(chunk);
  }
  return start.length >= magic.length && one.digest === `md5-${md5.digest('base64')}`;
};

/** What gzip begins with. */
const magic = Buffer.of(0x1f, 0x8b);

/** A backup of an earlier version does not say; then only a text may be, for a file like app.tar.gz is compressed by itself. */
const mayBeCompressed = ({ compressed, contentType }: Attachment): boolean =>
  compressed || /^(text\/|application\/(javascript|json|xml)\b)/.test(contentType);

/** As they are when they are not what they seem. */
const unzipped = (bytes: Buffer): Promise<Buffer> => promisify(gunzip)(bytes).catch(() => bytes);

/** The server makes the digest anew. */
const headOf = ({ contentType, revpos }: Attachment) => ({
  content_type: contentType,
  ...(revpos !== undefined && { revpos }),
});

/** One revision as multipart/related (RFC 2387), as CouchDB's replicator sends it. */
export const putStreamed = async (
  target: PutTarget,
  stored: StoredLeaf,
  boundary: string,
): Promise<Refused[]> => {
  const { id, rev } = stored.leaf;
  try {
    const compressed = await compressedOf(stored);
    const answer = await target.client.send(streamedRequest(target, stored, boundary, compressed));
    if (answer.status < 300) return [];
    const { error, reason } = JSON.parse(answer.body.toString()) as Result;
    return [{ id, rev, error: refusedError(id, target.database, error, reason) }];
  } catch (error) {
    if (hasCode(error, 'CANCELLED', 'SOURCE_UNREACHABLE', 'SOURCE_DENIED')) throw error;
    return [{ id, rev, error: unreadable(stored.leaf, error) }];
  }
};

/** The attachments that came to the server compressed. */
const compressedOf = async ({ leaf, attachment }: StoredLeaf): Promise<ReadonlySet<Attachment>> => {
  const compressed = new Set<Attachment>();
  for (const one of leaf.attachments.filter(mayBeCompressed))
    if (await cameCompressed(one, contentOf(one, attachment)())) compressed.add(one);
  return compressed;
};

const streamedRequest = (
  { database }: PutTarget,
  stored: StoredLeaf,
  boundary: string,
  compressed: ReadonlySet<Attachment>,
): CouchRequest => {
  const { id } = stored.leaf;
  const parts = partsOf(stored, boundary, compressed);
  return {
    method: 'PUT',
    path: [database, ...documentParts(id)],
    query: { new_edits: false },
    headers: { 'content-type': `multipart/related; boundary="${boundary}"` },
    body: {
      length: parts.reduce((sum, { length }) => sum + length, 0),
      async *open() {
        for (const { open } of parts) yield* open();
      },
    },
    doing: `write the document ${id} to ${database}`,
    allow: [403, 409, 412, 413],
  };
};

interface Part {
  readonly length: number;
  open(): Content;
}

const partsOf = (
  { leaf, attachment }: StoredLeaf,
  boundary: string,
  compressed: ReadonlySet<Attachment>,
): Part[] => {
  const heads = Object.fromEntries(
    leaf.attachments.map((one) => [
      one.name,
      {
        ...{ ...headOf(one), length: one.length, follows: true },
        ...(compressed.has(one) && { encoding: 'gzip', encoded_length: one.length }),
      },
    ]),
  );
  const document = withMembers(leaf, { _attachments: JSON.stringify(heads) });
  const parts = [textPart(`--${boundary}\r\nContent-Type: application/json\r\n\r\n`), bytesPart(document)];
  for (const one of leaf.attachments)
    parts.push(textPart(`\r\n--${boundary}\r\nContent-Length: ${one.length}\r\n\r\n`), {
      length: one.length,
      open: contentOf(one, attachment),
    });
  return [...parts, textPart(`\r\n--${boundary}--`)];
};

const textPart = (text: string): Part => bytesPart(Buffer.from(text));
const bytesPart = (bytes: Buffer): Part => ({ length: bytes.length, open: () => [bytes] });
