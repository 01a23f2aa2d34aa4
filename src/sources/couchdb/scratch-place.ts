// Databases for a trial: made by a restore under names of their own, read back, queried, and deleted.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Describing } from '#lib/self-description.ts';
import { assertNoneTaken, copyOf, isOfScratch, scratchNamesOf, underOwnNames } from '../scratch-databases.ts';
import type {
  Entry,
  Finding,
  QueryRows,
  ReadDefinitions,
  ScratchMaker,
  ScratchPlace,
  ScratchRequest,
} from '../source.ts';
import { CouchUrl } from './address.ts';
import type { CouchConfig } from './config.ts';
import { type CouchRequestContext, dumpServer } from './dump.ts';
import { eachElement, eachMember, memberOf, type Range, valueAt } from './json-scan.ts';
import { databaseFiles, databasePath } from './layout.ts';
import { restoreServer } from './restore.ts';
import { listDatabases, serverFacts } from './server.ts';
import { parseDatabaseContents } from './server-contents.ts';
import { saysNothing } from './server-error.ts';
import { deleteDatabase, isSystemDatabase } from './target-database.ts';

/** What a source on this server can do for a trial. */
export const scratchMaker = (request: CouchRequestContext): ScratchMaker & Describing => ({
  describeSelf: async () => {
    const { vendor, version } = await serverFacts(request.client);
    const { headers } = await request.client.send({ path: [''], doing: 'greet the server' });
    const time = new Date(headers.date ?? Number.NaN);
    return { software: [`${vendor} ${version}`], ...(Number.isNaN(time.getTime()) ? {} : { time }) };
  },
  scratchLocation: () => request.client.server,
  checkScratch: () => checkRights(request),
  openScratch: (scratch) => openPlace(request, scratch),
  removeScratch: (name) => removeAll(request, name),
});

/** Only server administrators may make databases, and see how the server is set up. */
const checkRights = async ({ client }: CouchRequestContext): Promise<Finding[]> => {
  const { vendor } = await serverFacts(client);
  if (vendor !== 'CouchDB') return []; // the other has no such question
  try {
    await client.send({ path: ['_node', '_local', '_config', 'admins'], doing: 'see what may be done' });
    return [];
  } catch (error) {
    if (!hasCode(error, 'SOURCE_DENIED')) throw error;
    return [
      {
        level: 'error',
        subject: `user ${client.user ?? '(none)'}`,
        message: `may not create databases on ${client.server}, as a drill must`,
        hint: 'log in as a server administrator; or drill into a source on another server',
      },
    ];
  }
};

const openPlace = async (
  request: CouchRequestContext,
  { name, databases }: ScratchRequest,
): Promise<ScratchPlace> => {
  const leftOut = databases.filter(isSystemDatabase); // what is in them is for the server itself
  const names = scratchNamesOf(
    name,
    databases.filter((database) => !leftOut.includes(database)),
  );
  assertNoneTaken(await databasesNamed(request, name), request.client.server);
  let hasLocal = false;
  async function* watched(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
    for await (const entry of entries) {
      if (entry.path.endsWith(`/${databaseFiles.local}`)) hasLocal = true;
      yield entry;
    }
  }
  return {
    concurrency: 1,
    leftOut,
    restore: (entries, onProgress) =>
      restoreServer(request, watched(entries), {
        force: false,
        rename: [...names],
        selection: [...names.keys()].map(databasePath),
        onProgress,
      }),
    dump: () => dumpScratch(request, names, hasLocal),
    definitionsIn,
    query: (text, database) => runQuery(request, copyOf(names, database), text).catch(refused),
    saysNothing,
    [Symbol.asyncDispose]: async () => {},
  };
};

/** All there is in the scratch databases, whatever the source's own configuration chooses. */
const dumpScratch = (
  request: CouchRequestContext,
  names: ReadonlyMap<string, string>,
  localDocuments: boolean,
): AsyncIterable<Entry> => {
  const config: CouchConfig = {
    ...request.config,
    url: new CouchUrl(request.config.url.root), // the client knows who we are
    databases: [...names.values()],
    excludeDatabases: [],
    systemDatabases: [],
    localDocuments,
  };
  return underOwnNames(dumpServer({ ...request, config }), names, databasePath);
};

const definitionsIn = (path: string): ReadDefinitions | undefined =>
  readers.get(path.split('/').slice(1).join('/'));

const readers: ReadonlyMap<string, ReadDefinitions> = new Map([
  [
    databaseFiles.database,
    (text) => {
      const { partitioned, shards, revisionsLimit } = parseDatabaseContents(text);
      return new Map([['the database itself', JSON.stringify({ partitioned, shards, revisionsLimit })]]);
    },
  ],
  [databaseFiles.security, (text) => new Map([['the security object', JSON.stringify(JSON.parse(text))]])],
]);

/** A Mango query ({"selector": …}), a row for each document; or the path of a view ('_design/x/_view/y'), whose rows begin with their value. */
const runQuery = async (
  { client }: CouchRequestContext,
  database: string,
  text: string,
): Promise<QueryRows> => {
  const doing = 'run the query';
  if (text.trimStart().startsWith('{')) {
    const body = Buffer.from(text);
    const request = { method: 'POST' as const, path: [database, '_find'], body, doing };
    return await client.parse(request, (answer) => rowsIn(answer, 'docs', everyMember));
  }
  const [path = '', search = ''] = text.split('?');
  const query = Object.fromEntries(new URLSearchParams(search));
  const request = { path: [database, ...path.split('/')], query, doing };
  return await client.parse(request, (answer) =>
    rowsIn(answer, 'rows', (at) => ['value', 'key', 'id'].map((name) => memberOf(answer, at, name))),
  );
};

/** What the server answers, such as that it knows no such view, is of the query; that nothing answers is not, and has a cause. */
const refused = (error: unknown): never => {
  if (!hasCode(error, 'SOURCE_UNREACHABLE') || error.cause !== undefined) throw error;
  throw new HoldfastError('SOURCE_DENIED', error.message, { cause: error });
};

type ReadRow = (at: number, answer: Buffer) => (Range | undefined)[];

const everyMember: ReadRow = (at, answer) => {
  const values: Range[] = [];
  eachMember(answer, at, (_, value) => values.push(value));
  return values;
};

/** Cut out of the server's text, and so with all digits of a number. */
const rowsIn = (answer: Buffer, list: string, read: ReadRow): QueryRows => {
  const rows: (string | null)[][] = [];
  const found = memberOf(answer, 0, list);
  if (found)
    eachElement(answer, found.start, ({ start }) =>
      rows.push(read(start, answer).map((value) => (value ? textOf(answer, value) : null))),
    );
  return rows;
};

const textOf = (answer: Buffer, value: Range): string | null => {
  const json = answer.toString('utf8', value.start, value.end);
  if (json === 'null') return null;
  return json.startsWith('"') ? String(valueAt(answer, value)) : json;
};

const databasesNamed = async ({ client }: CouchRequestContext, name: string): Promise<string[]> =>
  (await listDatabases(client)).filter((database) => isOfScratch(name, database));

const removeAll = async (request: CouchRequestContext, name: string): Promise<void> => {
  for (const database of await databasesNamed(request, name)) await deleteDatabase(request.client, database);
};
