// The replications that a server does by itself: documents of its _replicator database, and how they go.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { CouchClient } from './http.ts';
import { BrokenJson } from './json-scan.ts';
import { changesPage, missingRevisions } from './server.ts';

/** One end of a replication, as the server that does it reaches it. */
export interface Endpoint {
  readonly url: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** A replication of ours. */
export interface Replication {
  readonly id: string;
  readonly rev: string;
  readonly database: string;
  /** What it was made with, to see whether that is still what it should be. */
  readonly made: string;
  /** What a server without a scheduler says of it, in the document itself. */
  readonly state: string | undefined;
  readonly reason: string | undefined;
}

export interface ReplicationSpec {
  /** All replications of one job begin alike. */
  readonly prefix: string;
  readonly database: string;
  readonly source: Endpoint;
  readonly target: Endpoint;
}

const replicator = '_replicator';

/** Those whose ids begin so. SOURCE_UNREACHABLE where the server has no place for them. */
export const listReplications = async (client: CouchClient, prefix: string): Promise<Replication[]> => {
  const { rows } = await client.parse(
    {
      path: [replicator, '_all_docs'],
      query: {
        include_docs: true,
        startkey: JSON.stringify(prefix),
        endkey: JSON.stringify(`${prefix}\ufff0`),
      },
      doing: 'list the replications',
      allow: [404],
    },
    (body) => {
      const answer = JSON.parse(body.toString()) as RawReplications;
      if (!answer.rows && answer.error !== 'not_found')
        throw new BrokenJson('the answer is no list of replications');
      return answer;
    },
  );
  if (rows === undefined)
    throw new HoldfastError(
      'SOURCE_UNREACHABLE',
      `CouchDB at ${client.server} has no database ${replicator}`,
      {
        hint: `finish its setup, or make the database as its administrator: PUT /${replicator}`,
      },
    );
  return rows.map(({ doc }) => ({
    id: doc._id,
    rev: doc._rev,
    database: doc._id.slice(prefix.length),
    made: JSON.stringify([doc.source, doc.target]),
    state: doc._replication_state,
    reason: doc._replication_state_reason ?? doc._replication_state_error,
  }));
};

interface RawReplications {
  readonly rows?: readonly { readonly doc: RawReplication }[];
  readonly error?: string;
}

interface RawReplication {
  readonly _id: string;
  readonly _rev: string;
  readonly source: unknown;
  readonly target: unknown;
  readonly _replication_state?: string;
  readonly _replication_state_reason?: string;
  readonly _replication_state_error?: string;
}

/** What a replication should have been made with. */
export const madeWith = ({ source, target }: ReplicationSpec): string =>
  JSON.stringify([endpointOf(source), endpointOf(target)]);

/** Makes it, or makes it anew in the place of an earlier one, which also starts one that has stopped. */
export const putReplication = async (
  client: CouchClient,
  spec: ReplicationSpec,
  before?: Replication,
): Promise<void> => {
  const { prefix, database, source, target } = spec;
  // Changing it in place would keep what the server noted of its failure.
  if (before) await removeReplication(client, before);
  await client.send({
    method: 'PUT',
    path: [replicator, `${prefix}${database}`],
    body: Buffer.from(
      JSON.stringify({ source: endpointOf(source), target: endpointOf(target), continuous: true }),
    ),
    doing: `start the replication of ${database}`,
    allow: [409], // an attempt whose answer was lost has made it
  });
};

export const removeReplication = async (
  client: CouchClient,
  { id, rev, database }: Replication,
): Promise<void> => {
  await client.send({
    method: 'DELETE',
    path: [replicator, id],
    query: { rev },
    doing: `end the replication of ${database}`,
    allow: [404],
  });
};

/** Every version understands headers; a login within the URL would show wherever the URL is shown. */
const endpointOf = ({ url, user, password }: Endpoint): unknown =>
  user === undefined
    ? { url }
    : {
        url,
        headers: { Authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` },
      };

export interface Scheduled {
  readonly state: string;
  readonly error: string | undefined;
}

const pageSize = 500;

/** How the server's scheduler says that they go, by id; undefined where there is no scheduler. */
export const scheduledReplications = async (
  client: CouchClient,
): Promise<ReadonlyMap<string, Scheduled> | undefined> => {
  const found = new Map<string, Scheduled>();
  for (;;) {
    const request = {
      path: ['_scheduler', 'docs', replicator],
      query: { limit: pageSize, skip: found.size },
      doing: 'ask how the replications go',
      allow: [404],
    };
    const page = await client.parse(request, (body) => JSON.parse(body.toString()) as RawSchedule);
    if (!page.docs) return undefined;
    for (const { doc_id, state, info } of page.docs)
      found.set(doc_id, { state: state ?? 'initializing', error: info?.error });
    if (page.docs.length < pageSize) return found;
  }
};

interface RawSchedule {
  readonly docs?: readonly {
    readonly doc_id: string;
    readonly state?: string | null;
    readonly info?: { readonly error?: string } | null;
  }[];
}

export interface Behind {
  /** Documents with revisions that the copy does not have. */
  readonly documents: number;
  /** Everything up to here is there. */
  readonly since: string;
}

/** How far the copy is behind: what changed since that sequence is looked for, revision by revision. */
export const howFarBehind = async (
  source: CouchClient,
  copy: CouchClient,
  { database, since, signal }: { database: string; since: string; signal: AbortSignal },
): Promise<Behind> => {
  let [at, verified, documents] = [since, since, 0];
  for (let isLast = false; !isLast; ) {
    throwIfCancelled(signal);
    const page = await changesPage(source, database, at, pageSize);
    const revisions = Object.fromEntries(page.changes.map(({ id, revs }) => [id, revs]));
    const missing = page.changes.length === 0 ? {} : await missingRevisions(copy, database, revisions);
    documents += Object.keys(missing).length;
    at = page.lastSeq;
    if (documents === 0) verified = at;
    isLast = page.isLast;
  }
  return { documents, since: verified };
};

/** What was last known of a copy; it lies in the copy itself, and is neither replicated nor counted. */
export interface CopyMark {
  readonly since: string;
  /** When it was first in step; absent before that. */
  readonly inStepAt?: string;
  /** Of the database it is a copy of. */
  readonly createdAt?: string;
}

const markPath = (database: string): string[] => [database, '_local', 'holdfast-replicate'];

export const readMark = async (
  client: CouchClient,
  database: string,
): Promise<(CopyMark & { _rev?: string }) | undefined> => {
  const request = {
    path: markPath(database),
    doing: `read what is known of the copy ${database}`,
    allow: [404],
  };
  const mark = await client.parse(
    request,
    (body) => JSON.parse(body.toString()) as CopyMark & { error?: string },
  );
  return mark.error === undefined ? mark : undefined;
};

export const writeMark = async (client: CouchClient, database: string, mark: CopyMark): Promise<void> => {
  const before = await readMark(client, database);
  const answer = await client.send({
    method: 'PUT',
    path: markPath(database),
    body: Buffer.from(JSON.stringify({ ...mark, ...(before?._rev !== undefined && { _rev: before._rev }) })),
    doing: `write down what is known of the copy ${database}`,
    allow: [409],
  });
  if (answer.status === 409)
    throw new HoldfastError('FAILED', `another run writes to the copy ${database}`, {
      hint: 'let one job replicate it',
    });
};
