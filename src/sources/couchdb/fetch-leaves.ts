// Documents from the server, many in one request.
import { mapOrdered } from '#lib/concurrency.ts';
import { asError, hasCode } from '#lib/errors.ts';
import type { CouchClient } from './http.ts';
import { BrokenJson, isKey, skipValue, valueAt, walkElements, walkMembers } from './json-scan.ts';
import { endOf, type Leaf, leafAt } from './leaf.ts';
import { documentParts } from './server.ts';

export interface Fetched {
  /** All leaves of each document that is there. */
  readonly leaves: ReadonlyMap<string, readonly Leaf[]>;
  /** Documents that are there and cannot be read. */
  readonly failures: ReadonlyMap<string, Error>;
}

export interface FetchOptions {
  readonly database: string;
  /** Requests under way at once. */
  readonly connections: number;
  /** Bytes of a document with its history, as far as one can tell. */
  readonly typicalBytes: number;
}

const batchBytes = 512 * 1024;
const [batchAtLeast, batchAtMost] = [25, 500];

/** Asks for these documents by their ids and leaves. A document that was purged meanwhile is simply not among them. */
export const fetchLeaves = async (
  client: CouchClient,
  wanted: ReadonlyMap<string, readonly string[]>,
  { database, connections, typicalBytes }: FetchOptions,
): Promise<Fetched> => {
  const leaves = new Map<string, Leaf[]>();
  const size = Math.max(batchAtLeast, Math.min(batchAtMost, Math.floor(batchBytes / typicalBytes)));
  const answers = mapOrdered(batchesOf(wanted, size), connections, (batch) =>
    bulkGet(client, database, batch),
  );
  for await (const answer of answers)
    for (const leaf of answer) {
      const own = leaves.get(leaf.id);
      if (!own) leaves.set(leaf.id, [leaf]);
      else if (own.every(({ rev }) => rev !== leaf.rev)) own.push(leaf);
    }
  const failures = new Map<string, Error>();
  for (const [id, revs] of wanted) {
    if (hasAll(leaves.get(id), revs)) continue;
    // A revision may have been replaced and compacted away since the feed named it: then the leaves of now are the document.
    try {
      leaves.set(id, await openLeaves(client, database, id));
    } catch (error) {
      if (!hasCode(error, 'SOURCE_UNREACHABLE', 'ITEM_UNREADABLE')) throw error;
      failures.set(id, asError(error));
    }
  }
  return { leaves, failures };
};

const hasAll = (leaves: readonly Leaf[] | undefined, revs: readonly string[]): boolean =>
  leaves !== undefined && revs.every((wanted) => leaves.some(({ rev }) => rev === wanted));

interface Asked {
  readonly id: string;
  readonly rev: string;
}

/** In the order of the ids, in which the server has them: it finds neighbours several times as cheaply. */
function* batchesOf(wanted: ReadonlyMap<string, readonly string[]>, size: number): Generator<Asked[]> {
  let batch: Asked[] = [];
  for (const id of [...wanted.keys()].sort()) {
    for (const rev of wanted.get(id) ?? []) batch.push({ id, rev });
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Those of the revisions that the server has, with their history and stubs of their attachments. */
const bulkGet = (client: CouchClient, database: string, docs: readonly Asked[]): Promise<Leaf[]> =>
  client.parse(
    {
      method: 'POST',
      path: [database, '_bulk_get'],
      query: { revs: true, attachments: false },
      body: Buffer.from(JSON.stringify({ docs })),
      doing: `read documents of ${database}`,
    },
    leavesOfResults,
  );

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
export const openLeaves = (client: CouchClient, database: string, id: string): Promise<Leaf[]> =>
  client.parse(
    {
      path: [database, ...documentParts(id)],
      query: { open_revs: 'all', revs: true },
      doing: `read the document ${id} of ${database}`,
      allow: [404],
    },
    (body) => {
      const leaves: Leaf[] = [];
      if (body.toString('utf8', 0, 1) === '[') readOpened(body, 0, leaves);
      else valueAt(body, { start: 0, end: body.length }); // {"error": "not_found"}, whole
      return leaves;
    },
  );

/** [{"ok": <document>}, …], or in the place of "ok" an error that says why there is none. Returns where it ends. */
const readOpened = (body: Buffer, at: number, leaves: Leaf[]): number =>
  walkElements(body, at, (one) =>
    walkMembers(body, one, (key, value) => {
      if (!isKey(body, key, 'ok')) return skipValue(body, value);
      const leaf = leafAt(body, value);
      leaves.push(leaf);
      return endOf(value, leaf);
    }),
  );
