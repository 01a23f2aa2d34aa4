// One leaf of a document's tree of revisions, as the bytes that the server sent.
import { hash } from 'node:crypto';
import { HoldfastError } from '#lib/errors.ts';
import { BrokenJson, eachMember, isKey, valueAt } from './json-scan.ts';

export interface Leaf {
  readonly id: string;
  readonly rev: string;
  readonly deleted: boolean;
  readonly attachments: readonly Attachment[];
  /** Where it was found: the document with `_rev`, `_revisions` and stubs of its attachments. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface Attachment {
  readonly name: string;
  readonly contentType: string;
  /** As the server computed it: 'md5-' and base64. */
  readonly digest: string;
  /** Bytes, decoded. */
  readonly length: number;
  readonly revpos: number | undefined;
  /** Whether the server keeps it compressed; false where it did not say, as in backups of earlier versions. */
  readonly compressed: boolean;
}

/** The document that begins at a place of an answer, or of a file of a backup. BrokenJson when it is none. */
export const leafAt = (bytes: Buffer, start: number): Leaf => {
  let [id, rev, deleted, stubs]: unknown[] = [];
  const end = eachMember(bytes, start, (key, value) => {
    if (bytes[key.start + 1] !== underscore) return;
    if (isKey(bytes, key, '_id')) id = valueAt(bytes, value);
    else if (isKey(bytes, key, '_rev')) rev = valueAt(bytes, value);
    else if (isKey(bytes, key, '_deleted')) deleted = valueAt(bytes, value);
    else if (isKey(bytes, key, '_attachments')) stubs = valueAt(bytes, value);
  });
  if (typeof id !== 'string' || typeof rev !== 'string')
    throw new BrokenJson('a document has no _id and _rev');
  return {
    id,
    rev,
    deleted: deleted === true,
    attachments: stubs === undefined ? noAttachments : attachmentsOf(stubs, id),
    bytes,
    start,
    end,
  };
};

const noAttachments: readonly Attachment[] = [];
const underscore = 0x5f;
const newline = 0x0a;
const space = 0x20;

/** The documents, a line each. Outside of strings JSON may have newlines, where spaces do as well; within them it cannot. */
export const linesOf = (leaves: readonly Leaf[]): Buffer => {
  const lines = Buffer.allocUnsafe(leaves.reduce((sum, { start, end }) => sum + end - start + 1, 0));
  let from = 0;
  for (const { bytes, start, end } of leaves) {
    const last = from + bytes.copy(lines, from, start, end);
    lines[last] = newline;
    for (let at = lines.indexOf(newline, from); at < last; at = lines.indexOf(newline, at)) lines[at] = space;
    from = last + 1;
  }
  return lines;
};

const attachmentsOf = (stubs: unknown, id: string): Attachment[] =>
  Object.entries((stubs ?? {}) as Record<string, Record<string, unknown>>).map(([name, stub]) => {
    const { content_type: contentType, digest, length, revpos, encoding } = stub;
    if (typeof digest !== 'string' || typeof length !== 'number')
      throw new HoldfastError('ITEM_UNREADABLE', `attachment ${name} of ${id} has no digest`, {
        hint: 'the server is too old, or the document is damaged',
      });
    return {
      name,
      digest,
      length,
      contentType: typeof contentType === 'string' ? contentType : 'application/octet-stream',
      revpos: typeof revpos === 'number' ? revpos : undefined,
      compressed: encoding === 'gzip',
    };
  });

/** The same document with some of its members replaced, each in its place, or left out where there is no other value. */
export const withMembers = (
  { bytes, start }: Leaf,
  replace: Readonly<Record<string, string | undefined>>,
): Buffer => {
  const parts: Uint8Array[] = [];
  eachMember(bytes, start, (key, value) => {
    const name = bytes[key.start + 1] === underscore ? String(valueAt(bytes, key)) : '';
    if (!Object.hasOwn(replace, name)) parts.push(comma, bytes.subarray(key.start, value.end));
    else if (replace[name] !== undefined) parts.push(comma, Buffer.from(`"${name}":${replace[name]}`));
  });
  return Buffer.concat([Buffer.from('{'), ...parts.slice(1), Buffer.from('}')]);
};

const comma = Buffer.from(',');

/** Where a document's id puts it: 64 hex digits. */
export const placeOf = (id: string): string => hash('sha256', id);

/** The order in which leaves of one document lie in a backup: the winner first, as CouchDB chooses it. */
const compareLeaves = (one: Leaf, other: Leaf): number => {
  if (one.deleted !== other.deleted) return one.deleted ? 1 : -1;
  const generations = generationOf(other.rev) - generationOf(one.rev);
  return generations !== 0 ? generations : one.rev < other.rev ? 1 : -1;
};

const generationOf = (rev: string): number => Number.parseInt(rev, 10);

/** Documents by their places, of each the winner first. */
export const inOrder = (documents: Iterable<readonly Leaf[]>): Leaf[] => {
  const placed: { readonly place: string; readonly leaves: readonly Leaf[] }[] = [];
  for (const leaves of documents) if (leaves[0]) placed.push({ place: placeOf(leaves[0].id), leaves });
  placed.sort((a, b) => (a.place < b.place ? -1 : 1));
  return placed.flatMap(({ leaves }) => (leaves.length === 1 ? leaves : leaves.toSorted(compareLeaves)));
};
