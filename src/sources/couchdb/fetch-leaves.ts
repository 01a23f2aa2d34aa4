// Documents from the server, many in one request.
import { mapOrdered } from '#lib/concurrency.ts';
import { asError, hasCode } from '#lib/errors.ts';
import type { CouchClient } from './http.ts';
import { eachElement, eachMember, memberOf, type Range, valueAt } from './json-scan.ts';
import { type Leaf, leafAt } from './leaf.ts';
import { documentParts } from './server.ts';

export interface Fetched {
  readonly leaves: readonly Leaf[];
  /** Documents that are there and cannot be read. */
  readonly failures: readonly { readonly id: string; readonly error: Error }[];
}

/** Revisions in one request, and requests under way for one partition. */
const batchSize = 250;
const batchesAhead = 2;

/** All leaves of these documents. A document that was purged meanwhile is simply not among them. */
export const fetchLeaves = async (
  client: CouchClient,
  database: string,
  wanted: ReadonlyMap<string, readonly string[]>,
): Promise<Fetched> => {
  const found = new Map<string, Map<string, Leaf>>();
  const asked = [...wanted].flatMap(([id, revs]) => revs.map((rev) => ({ id, rev })));
  const batches = Array.from({ length: Math.ceil(asked.length / batchSize) }, (_, at) =>
    asked.slice(at * batchSize, (at + 1) * batchSize),
  );
  for await (const leaves of mapOrdered(batches, batchesAhead, (batch) => bulkGet(client, database, batch)))
    for (const leaf of leaves) {
      const own = found.get(leaf.id) ?? new Map<string, Leaf>();
      found.set(leaf.id, own.set(leaf.rev, leaf));
    }
  const failures: { id: string; error: Error }[] = [];
  for (const [id, revs] of wanted) {
    if (revs.every((rev) => found.get(id)?.has(rev))) continue;
    // A revision may have been replaced and compacted away since the feed named it: then the leaves of now are the document.
    try {
      found.set(id, new Map((await openLeaves(client, database, id)).map((leaf) => [leaf.rev, leaf])));
    } catch (error) {
      if (!hasCode(error, 'SOURCE_UNREACHABLE', 'ITEM_UNREADABLE')) throw error;
      failures.push({ id, error: asError(error) });
    }
  }
  return { leaves: [...found.values()].flatMap((own) => [...own.values()]), failures };
};

/** Those of the revisions that the server has, with their history and stubs of their attachments. */
const bulkGet = (
  client: CouchClient,
  database: string,
  docs: readonly { readonly id: string; readonly rev: string }[],
): Promise<Leaf[]> =>
  client.parse(
    {
      method: 'POST',
      path: [database, '_bulk_get'],
      query: { revs: true, attachments: false },
      body: Buffer.from(JSON.stringify({ docs })),
      doing: `read documents of ${database}`,
    },
    (body) => {
      const leaves: Leaf[] = [];
      eachElement(body, startOf(body, 'results'), (result) => {
        const documents = memberOf(body, result.start, 'docs');
        if (documents) eachElement(body, documents.start, (one) => leaves.push(...foundIn(body, one)));
      });
      return leaves;
    },
  );

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
      if (body.toString('utf8', 0, 1) === '[')
        eachElement(body, 0, (one) => leaves.push(...foundIn(body, one)));
      else valueAt(body, { start: 0, end: body.length }); // {"error": "not_found"}, whole
      return leaves;
    },
  );

/** {"ok": <document>}, or an error that says why there is none. */
const foundIn = (body: Buffer, { start }: Range): Leaf[] => {
  const leaves: Leaf[] = [];
  eachMember(body, start, (key, value) => {
    if (valueAt(body, key) === 'ok') leaves.push(leafAt(body, value));
  });
  return leaves;
};

const startOf = (body: Buffer, name: string): number => memberOf(body, 0, name)?.start ?? body.length;
