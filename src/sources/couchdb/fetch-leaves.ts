// Documents from the server, many in one request.
import { forEachLimit } from '#lib/concurrency.ts';
import { asError, HoldfastError, hasCode } from '#lib/errors.ts';
import type { ChangedDocument } from './changed.ts';
import type { CouchClient } from './http.ts';
import { BrokenJson, isKey, type Range, skipValue, valueAt, walkElements, walkMembers } from './json-scan.ts';
import { type Leaf, leafAt } from './leaf.ts';
import { documentParts } from './server.ts';

export interface FetchOptions {
  readonly database: string;
  /** Requests under way at once. */
  readonly connections: number;
  /** Bytes of a document with its history, as far as one can tell. */
  readonly typicalBytes: number;
  /** Called when the last request is under way: others may begin, so that the server is never without one. */
  whenAsked(): void;
}

const batchBytes = 512 * 1024;
const [batchAtLeast, batchAtMost] = [25, 500];

/** Gives the documents their leaves, or what is wrong with them. */
export const fetchLeaves = async (
  client: CouchClient,
  documents: readonly ChangedDocument[],
  { database, connections, typicalBytes, whenAsked }: FetchOptions,
): Promise<void> => {
  const size = Math.max(batchAtLeast, Math.min(batchAtMost, Math.floor(batchBytes / typicalBytes)));
  await forEachLimit(batchesOf(documents, size, whenAsked), connections, async (batch) =>
    share(await bulkGet(client, database, batch), batch),
  );
  for (const document of documents) {
    if (document.revs.every((wanted) => document.leaves.some(({ rev }) => rev === wanted))) continue;
    // A revision may have been replaced and compacted away since the feed named it: then the leaves of now are the document.
    try {
      document.leaves = await openLeaves(client, database, document.id);
    } catch (error) {
      if (!hasCode(error, 'SOURCE_UNREACHABLE', 'ITEM_UNREADABLE')) throw error;
      document.failure = asError(error);
    }
  }
};

/** In the order of the ids, in which the server has them: it finds neighbours several times as cheaply. */
function* batchesOf(
  documents: readonly ChangedDocument[],
  size: number,
  whenAsked: () => void,
): Generator<ChangedDocument[]> {
  const ordered = documents.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  let [batch, revisions]: [ChangedDocument[], number] = [[], 0];
  try {
    for (const document of ordered) {
      batch.push(document);
      revisions += document.revs.length;
      if (revisions < size) continue;
      yield batch;
      [batch, revisions] = [[], 0];
    }
    if (batch.length > 0) yield batch;
  } finally {
    whenAsked();
  }
}

/** Answers come in the order of the questions; a leaf that did not would be found missing, and asked for again. */
const share = (leaves: readonly Leaf[], documents: readonly ChangedDocument[]): void => {
  let at = 0;
  for (const leaf of leaves) {
    while (at < documents.length && documents[at]?.id !== leaf.id) at += 1;
    const document = documents[at];
    if (document?.leaves.every(({ rev }) => rev !== leaf.rev)) document.leaves = [...document.leaves, leaf];
  }
};

/** Those of the revisions that the server has, with their history and stubs of their attachments. */
const bulkGet = (
  client: CouchClient,
  database: string,
  documents: readonly ChangedDocument[],
): Promise<Leaf[]> => {
  const docs = documents.flatMap(({ id, revs }) => revs.map((rev) => ({ id, rev })));
  const request = {
    method: 'POST',
    path: [database, '_bulk_get'],
    query: { revs: true, attachments: false, att_encoding_info: true },
    body: Buffer.from(JSON.stringify({ docs })),
    doing: `read documents of ${database}`,
  } as const;
  return client.parse(request, leavesOfResults);
};

/** {"results": [{"id": …, "docs": [{"ok": <document>}, …]}, …]} */
const leavesOfResults = (body: Buffer): Leaf[] => {
  const leaves: Leaf[] = [];
  let isThere = false;
  walkMembers(body, 0, (key, at) => {
    if (!isKey(body, key, 'results')) return skipValue(body, at);
    isThere = true;
    return walkElements(body, at, (result) =>
      walkMembers(body, result, (name, value) =>
        isKey(body, name, 'docs') ? readOpened(body, value, leaves) : skipValue(body, value),
      ),
    );
  });
  if (!isThere) throw new BrokenJson('the answer has no results');
  return leaves;
};

/** All leaves that a document has now; none when it is no longer there. */
const openLeaves = (client: CouchClient, database: string, id: string): Promise<Leaf[]> =>
  client.parse(
    {
      path: [database, ...documentParts(id)],
      query: { open_revs: 'all', revs: true, att_encoding_info: true },
      doing: `read the document ${id} of ${database}`,
      allow: [404],
    },
    (body) => {
      const leaves: Leaf[] = [];
      if (body.toString('utf8', 0, 1) !== '[') return noLeaves(body, `the document ${id} of ${database}`);
      const refused: Range[] = [];
      readOpened(body, 0, leaves, refused);
      const [first] = refused;
      if (first === undefined) return leaves;
      throw new HoldfastError(
        'ITEM_UNREADABLE',
        `cannot read a revision of the document ${id} of ${database}: ${body.toString('utf8', first.start, first.end)}`,
        { hint: 'see the log of the server, and run the backup again' },
      );
    },
  );

/** A database that is gone or is being made, and what stands before the server, answer 404, too. */
const noLeaves = (body: Buffer, what: string): Leaf[] => {
  const answer = valueAt(body, { start: 0, end: body.length });
  const reason = answer instanceof Object ? Reflect.get(answer, 'reason') : undefined;
  if (reason === 'missing' || reason === 'deleted') return [];
  throw new HoldfastError('SOURCE_UNREACHABLE', `cannot read ${what}: ${body.toString().trim()}`, {
    hint: 'check the database, and what answers there in the place of the server; run the backup again',
  });
};

/** [{"ok": <document>}, …], or in the place of "ok" an error that says why there is none. Returns where it ends. */
const readOpened = (body: Buffer, at: number, leaves: Leaf[], refused: Range[] = []): number =>
  walkElements(body, at, (one) =>
    walkMembers(body, one, (key, value) => {
      if (!isKey(body, key, 'ok')) {
        const end = skipValue(body, value);
        refused.push({ start: key.start, end });
        return end;
      }
      const leaf = leafAt(body, value);
      leaves.push(leaf);
      return leaf.end;
    }),
  );
