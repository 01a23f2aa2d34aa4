// What we ask of a server and its databases, each question one function.
import { HoldfastError } from '#lib/errors.ts';
import type { CouchClient } from './http.ts';
import { BrokenJson, memberOf } from './json-scan.ts';

/** PouchDB Server is told apart because its answers mean something else in places. */
export interface ServerFacts {
  readonly vendor: 'CouchDB' | 'PouchDB';
  readonly version: string;
}

export interface DatabaseInfo {
  /** Documents whose winner is not deleted. */
  readonly documents: number;
  /** Absent on PouchDB Server. */
  readonly deleted: number | undefined;
  /** A number, or one with a text behind it that only the server understands. */
  readonly updateSeq: string;
  readonly purgeSeq: string;
  /** Absent where it is not the database's own. */
  readonly createdAt: string | undefined;
  /** Of documents and attachments, uncompressed; absent where the server does not say. */
  readonly bytes: number | undefined;
  readonly partitioned: boolean;
  readonly shards: number | undefined;
}

/** UNSUPPORTED when what answers there is no CouchDB of version 2 or newer. */
export const serverFacts = async (client: CouchClient): Promise<ServerFacts> => {
  const root = await client.parse({ path: [''], doing: 'greet the server' }, parseObject);
  if (typeof root['express-pouchdb'] === 'string')
    return { vendor: 'PouchDB', version: String(root.version) };
  if (root.couchdb !== 'Welcome' || typeof root.version !== 'string')
    throw new HoldfastError('SOURCE_UNREACHABLE', `what answers at ${client.server} is no CouchDB`, {
      hint: 'check host, port, and the path of the URL',
    });
  if (Number.parseInt(root.version, 10) < 2)
    throw new HoldfastError('UNSUPPORTED', `CouchDB ${root.version} at ${client.server} is older than 2`, {
      hint: 'replicate it to a newer server, and back up that one',
    });
  return { vendor: 'CouchDB', version: root.version };
};

export const listDatabases = (client: CouchClient): Promise<string[]> =>
  client.parse({ path: ['_all_dbs'], doing: 'list the databases' }, (body) => {
    const names: unknown = JSON.parse(body.toString());
    if (!Array.isArray(names)) throw new BrokenJson('the answer is no list of databases');
    return names as string[];
  });

/** Undefined when there is no such database. */
export const databaseInfo = async (
  client: CouchClient,
  { vendor }: ServerFacts,
  database: string,
): Promise<DatabaseInfo | undefined> => {
  const request = { path: [database], doing: `read the database ${database}`, allow: [404] };
  const info = await client.parse(request, (body) => {
    const answer = parseObject(body) as unknown as RawInfo;
    const isKnown = answer.error === 'not_found' || typeof answer.doc_count === 'number';
    if (!isKnown) throw new BrokenJson('the answer tells of no database'); // something else may answer in the server's place
    return answer;
  });
  if (info.error !== undefined) return undefined;
  return {
    documents: info.doc_count,
    deleted: info.doc_del_count,
    updateSeq: String(info.update_seq),
    purgeSeq: String(info.purge_seq ?? 0),
    // PouchDB Server has the time at which it opened the database there, CouchDB before 3.3 has "0".
    createdAt: vendor === 'CouchDB' ? String(info.instance_start_time ?? '0') : undefined,
    bytes: info.sizes?.external,
    partitioned: info.props?.partitioned === true,
    shards: info.cluster?.q,
  };
};

interface RawInfo {
  readonly error?: string;
  readonly doc_count: number;
  readonly doc_del_count?: number;
  readonly update_seq: string | number;
  readonly purge_seq?: string | number;
  readonly instance_start_time?: string;
  readonly sizes?: { readonly external?: number };
  readonly props?: { readonly partitioned?: boolean };
  readonly cluster?: { readonly q?: number };
}

/** The leading number of a sequence. */
export const seqNumber = (seq: string): number => Number.parseInt(seq, 10) || 0;

/** A document that changed, with all leaves of its tree. */
export interface Change {
  readonly id: string;
  readonly revs: readonly string[];
}

export interface ChangesPage {
  readonly changes: readonly Change[];
  readonly lastSeq: string;
  readonly isLast: boolean;
}

/** So many changes after a sequence; '0' is the beginning. */
export const changesPage = (
  client: CouchClient,
  database: string,
  since: string,
  limit: number,
): Promise<ChangesPage> =>
  client.parse(
    {
      path: [database, '_changes'],
      // A sequence for each row is a good part of the server's work, and only the last one is needed.
      query: { style: 'all_docs', since, limit, seq_interval: limit },
      doing: `read the changes of ${database}`,
    },
    (body) => {
      const { results, last_seq } = parseObject(body) as Partial<RawChanges>;
      if (!results || last_seq === undefined) throw new BrokenJson('the answer is no feed of changes');
      const changes = results.map(({ id, changes: leaves }) => ({ id, revs: leaves.map(({ rev }) => rev) }));
      return { changes, lastSeq: String(last_seq), isLast: results.length < limit };
    },
  );

interface RawChanges {
  readonly results: readonly { readonly id: string; readonly changes: readonly { readonly rev: string }[] }[];
  readonly last_seq: string | number;
}

/** Of revisions of documents, by id, those that the server has not heard of. */
export const missingRevisions = (
  client: CouchClient,
  database: string,
  revisions: Readonly<Record<string, readonly string[]>>,
): Promise<Record<string, { missing?: readonly string[] }>> =>
  client.parse(
    {
      method: 'POST',
      path: [database, '_revs_diff'],
      body: Buffer.from(JSON.stringify(revisions)),
      doing: `compare revisions with ${database}`,
    },
    parseObject,
  ) as Promise<Record<string, { missing?: readonly string[] }>>;

/** The security object as the server sent it. */
export const securityOf = (client: CouchClient, database: string): Promise<Buffer> =>
  client.parse(
    { path: [database, '_security'], doing: `read the security object of ${database}` },
    (body) => {
      const { error, reason } = parseObject(body);
      if (typeof error === 'string' && typeof reason === 'string')
        throw new BrokenJson(`the answer is no security object: ${error}, ${reason}`);
      return body;
    },
  );

/** Undefined where the server does not tell, as PouchDB Server. */
export const revisionsLimit = async (client: CouchClient, database: string): Promise<number | undefined> => {
  const request = {
    path: [database, '_revs_limit'],
    doing: `read the limit of revisions of ${database}`,
    allow: [404],
  };
  return await client.parse(request, (body) => {
    const limit: unknown = JSON.parse(body.toString());
    if (typeof limit === 'number') return limit;
    if (limit instanceof Object && Reflect.get(limit, 'error') === 'not_found') return undefined;
    throw new BrokenJson('the answer is no limit of revisions');
  });
};

/** All _local documents as rows of an answer; undefined where the server cannot list them. */
export const localDocuments = async (client: CouchClient, database: string): Promise<Buffer | undefined> => {
  const request = {
    path: [database, '_local_docs'],
    query: { include_docs: true },
    doing: `list the local documents of ${database}`,
    allow: [404],
  };
  return await client.parse(request, (body) => (memberOf(body, 0, 'rows') ? body : undefined));
};

/** The parts of a document's path: the slash of _design/ and _local/ is one. */
export const documentParts = (id: string): string[] => {
  const [, space, name] = /^(_design|_local)\/(.+)$/s.exec(id) ?? [];
  return space !== undefined && name !== undefined ? [space, name] : [id];
};

const parseObject = (body: Buffer): Record<string, unknown> => {
  const value: unknown = JSON.parse(body.toString());
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BrokenJson('the answer is no JSON object');
  return value as Record<string, unknown>;
};
