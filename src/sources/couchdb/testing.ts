// Builders for the tests of CouchDB: sources on a test's server, and databases that have a bit of everything.
import { systemClock } from '#lib/clock.ts';
import { type Log, silentLog } from '#lib/log.ts';
import type { CouchServer } from '../../../test/servers/couchdb.ts';
import type { RestoreReport, RestoreTarget, Source } from '../source.ts';
import { type CapturedEntry, capture, intoEmpty, previousOf, replay } from '../testing.ts';
import { couchdb } from './couchdb.ts';

export interface OpenOptions {
  readonly signal?: AbortSignal;
  readonly log?: Log;
  readonly clock?: typeof systemClock;
}

/** A source with this configuration; `url` unless told is the server's without a database. */
export const openCouch = (
  server: Pick<CouchServer, 'url'>,
  config: Readonly<Record<string, unknown>> = {},
  { signal = new AbortController().signal, log = silentLog, clock = systemClock }: OpenOptions = {},
): Promise<Source> =>
  couchdb.open(couchdb.config.parse({ url: server.url(), ...config }), { name: 'couch', signal, log, clock });

/** A whole dump; contents of what is unchanged are those of the previous one. */
export const dumpOf = async (
  server: Pick<CouchServer, 'url'>,
  config: Readonly<Record<string, unknown>> = {},
  previous?: readonly CapturedEntry[],
): Promise<CapturedEntry[]> => {
  await using source = await openCouch(server, config);
  const entries = await capture(source, previous && previousOf(previous), source.concurrency);
  const before = new Map(previous?.map((entry) => [entry.path, entry.content]));
  return entries.map((entry) => {
    const content = entry.unchanged && before.get(entry.path);
    return content ? { ...entry, content } : entry;
  });
};

export const restoreTo = async (
  server: Pick<CouchServer, 'url'>,
  entries: readonly CapturedEntry[],
  config: Readonly<Record<string, unknown>> = {},
  into: Partial<RestoreTarget> = {},
): Promise<RestoreReport> => {
  await using target = await openCouch(server, config);
  return await target.restore(replay(entries), { ...intoEmpty, ...into });
};

/** All documents of a dump, as objects. */
export const documentsOf = (entries: readonly CapturedEntry[]): Record<string, unknown>[] =>
  entries
    .filter(({ path }) => /\/(data\/\w+|design)\.jsonl$/.test(path))
    .flatMap(({ content }) =>
      Buffer.from(content ?? [])
        .toString()
        .split('\n'),
    )
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** The text of a file of a dump. */
export const textAt = (entries: readonly CapturedEntry[], path: string): string =>
  Buffer.from(entries.find((entry) => entry.path === path)?.content ?? []).toString();

/** Writes revisions as a replication does. */
export const putRevisions = async (
  server: CouchServer,
  database: string,
  docs: readonly Record<string, unknown>[],
): Promise<void> => {
  await server.ask('POST', `/${encodeURIComponent(database)}/_bulk_docs`, { new_edits: false, docs });
};

/** A revision of that name after those of the others. */
export const revision = (id: string, ...ids: readonly string[]): Record<string, unknown> => ({
  _id: id,
  _rev: `${ids.length}-${ids[0]}`,
  _revisions: { start: ids.length, ids },
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** PouchDB Server drops the slash of a name. */
export const oddName = ({ vendor }: CouchServer): string => (vendor === 'CouchDB' ? 'a/b+c' : 'a-b+c');

/** A database with conflicts, deletions, attachments, design documents and hard names. */
export const fillWithManyKinds = async (
  server: CouchServer,
  { refusing = true }: { readonly refusing?: boolean } = {},
): Promise<void> => {
  await server.ask('PUT', '/shop');
  await server.ask('PUT', `/${encodeURIComponent(oddName(server))}`);
  await server.ask('PUT', '/empty');
  await putRevisions(server, 'shop', [
    {
      ...revision('order:1', 'b1', 'a1'),
      total: 12,
      '2': 'integer-like',
      '1': 'keys',
      text: 'é 日本 \u0000 🐚 "quoted" \\ / \n',
    },
    { ...revision('order:1', 'b2', 'a1'), total: 13, lost: 'the conflict' },
    { ...revision('order:1', 'c3', 'b3', 'a1'), _deleted: true, why: 'a deleted branch' },
    { ...revision('gone', 'bb', 'aa'), _deleted: true, by: 'somebody' },
    { ...revision('with/slash ?#%', 'aa'), n: [1, -0.5, 1e21, true, null, {}] },
    {
      ...revision('picture', 'aa'),
      _attachments: {
        'a b/ü.txt': { content_type: 'text/plain', revpos: 1, data: base64('hello '.repeat(500)) },
        empty: { content_type: 'application/octet-stream', revpos: 1, data: '' },
        same: { content_type: 'text/plain', revpos: 1, data: base64('hello '.repeat(500)) },
        'bytes.bin': {
          content_type: 'image/png',
          revpos: 1,
          data: Buffer.from(Uint8Array.from({ length: 3000 }, (_, at) => at)).toString('base64'),
        },
      },
    },
    {
      ...revision('_design/app', 'aa'),
      views: { by: { map: 'function (doc) { emit(doc._id); }' } },
      // A replicator may bring it before what it refuses.
      ...(refusing && {
        validate_doc_update: 'function (doc) { if (doc.total === 13) throw { forbidden: "no thirteens" }; }',
      }),
      _attachments: { 'index.html': { content_type: 'text/html', revpos: 1, data: base64('<h1>app</h1>') } },
    },
  ]);
  for (let batch = 0; batch < 3; batch += 1)
    await putRevisions(
      server,
      oddName(server),
      Array.from({ length: 50 }, (_, at) => ({ ...revision(`doc-${batch}-${at}`, 'aa'), at })),
    );
  await server.ask('PUT', '/shop/_security', {
    admins: { names: ['ann'], roles: [] },
    members: { names: ['ann', 'bob'], roles: ['staff'] },
  });
};

/** Everything that a client sees of the databases: leaves with bodies and history, attachments' bytes, security objects. */
export const seenIn = async (server: CouchServer, databases: readonly string[]): Promise<unknown> => {
  const seen: Record<string, unknown> = {};
  for (const database of databases) {
    const at = `/${encodeURIComponent(database)}`;
    const { results } = (await server.ask('GET', `${at}/_changes?style=all_docs`)) as {
      results: { id: string }[];
    };
    const documents: Record<string, unknown> = {};
    for (const { id } of results.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
      documents[id] = await leavesSeen(server, at, id);
    seen[database] = { documents, security: await server.ask('GET', `${at}/_security`) };
  }
  return seen;
};

const leavesSeen = async (server: CouchServer, at: string, id: string): Promise<unknown> => {
  const path = `${at}/${id
    .split('/')
    .map(encodeURIComponent)
    .join(id.startsWith('_') ? '/' : '%2F')}`;
  const answer = await server.fetch(`${path}?open_revs=all&revs=true`, {
    headers: { accept: 'application/json' },
  });
  const leaves = ((await answer.json()) as { ok: Record<string, unknown> }[]).map(({ ok }) => ok);
  for (const leaf of leaves)
    for (const [name, stub] of Object.entries(
      (leaf._attachments ?? {}) as Record<string, Record<string, unknown>>,
    )) {
      const bytes = await (
        await server.fetch(`${path}/${encodeURIComponent(name)}?rev=${leaf._rev}`)
      ).arrayBuffer();
      stub.seen = Buffer.from(bytes).toString('base64');
    }
  return leaves.toSorted((a, b) => (String(a._rev) < String(b._rev) ? -1 : 1));
};
