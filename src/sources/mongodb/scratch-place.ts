// Databases for a trial: made by a restore under names of their own, read back, queried, and dropped.
import { HoldfastError } from '#lib/errors.ts';
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
import { elementsOf, isDocument, parseExtendedJson, relaxedJson } from './bson.ts';
import type { MongodbConfig } from './config.ts';
import { connect } from './connect.ts';
import { type DumpRequest, dumpServer } from './dump.ts';
import { listDatabases } from './listing.ts';
import { restoreServer } from './restore.ts';
import { saysNothing } from './server-error.ts';

/** What a source on this server can do for a trial. */
export const scratchMaker = (request: DumpRequest): ScratchMaker & Describing => ({
  async describeSelf() {
    await using connection = await connect(request.config, request.context.signal);
    const { version, time } = connection.facts;
    return { software: [`MongoDB ${version}`], ...(time && { time }) };
  },
  scratchLocation: () => request.config.url.hosts,
  checkScratch: () => checkRights(request),
  openScratch: (scratch) => openPlace(request, scratch),
  removeScratch: (name) => removeAll(request, name),
});

/** Whether the user may make databases of any name, as far as the server tells. */
const checkRights = async ({ config, context }: DumpRequest): Promise<Finding[]> => {
  await using connection = await connect(config, context.signal);
  const { authInfo } = await connection.command('admin', { connectionStatus: 1, showPrivileges: true });
  const { authenticatedUsers = [], authenticatedUserPrivileges } = (authInfo ?? {}) as AuthInfo;
  const mayWrite = authenticatedUserPrivileges?.some(
    ({ resource, actions }) =>
      (resource.anyResource || (resource.db === '' && resource.collection === '')) &&
      ['insert', 'createCollection', 'dropDatabase'].every((action) => actions.includes(action)),
  );
  if (authenticatedUsers.length === 0 || mayWrite !== false) return [];
  return [
    {
      level: 'error',
      subject: `server ${connection.server}`,
      message: `${connection.user ?? 'the user'} may not make and drop databases of any name`,
      hint: 'grant readWriteAnyDatabase and dbAdminAnyDatabase, or drill into a server of its own',
    },
  ];
};

interface AuthInfo {
  readonly authenticatedUsers?: readonly unknown[];
  readonly authenticatedUserPrivileges?: readonly {
    readonly resource: { readonly db?: string; readonly collection?: string; readonly anyResource?: boolean };
    readonly actions: readonly string[];
  }[];
}

const openPlace = async (
  request: DumpRequest,
  { name, databases }: ScratchRequest,
): Promise<ScratchPlace> => {
  const { config } = request;
  const own = databases.filter((database) => database !== 'admin'); // users are for the server, not for a trial
  const scratchNames = scratchNamesOf(name, own);
  assertNoneTaken(await databasesNamed(request, name), config.url.hosts);
  const target: MongodbConfig = { ...config, databases: 'all' };
  return {
    concurrency: config.connections,
    leftOut: databases.filter((database) => !own.includes(database)),
    restore: (entries, onProgress) =>
      restoreServer({ config: target, context: request.context }, entries, {
        force: false,
        rename: [...scratchNames],
        selection: own,
        onProgress,
      }),
    dump: () => dumpScratch(request, scratchNames),
    definitionsIn: (path) => (path.endsWith('.metadata.json') ? definitionsIn : undefined),
    query: (text, database) => runQuery(request, copyOf(scratchNames, database), text),
    saysNothing,
    [Symbol.asyncDispose]: async () => {},
  };
};

/** All there is in the scratch databases, whatever the source's own configuration chooses. */
const dumpScratch = (
  request: DumpRequest,
  scratchNames: ReadonlyMap<string, string>,
): AsyncIterable<Entry> => {
  const { collections: _, ...plain } = request.config;
  const config: MongodbConfig = {
    ...plain,
    databases: [...scratchNames.values()],
    excludeDatabases: [],
    exclude: [],
    excludeData: [],
    users: false,
    consistency: 'none',
  };
  return underOwnNames(dumpServer({ ...request, config }), scratchNames, (name) => name);
};

/** A collection's options and each of its indexes, as its metadata has them. */
const definitionsIn: ReadDefinitions = (text) => {
  const { collectionName, type, options = {}, indexes = [] } = JSON.parse(text) as Metadata;
  return new Map([
    [`${type} ${collectionName}`, JSON.stringify(options)],
    ...indexes.map((index) => [`index ${index.name} of ${collectionName}`, JSON.stringify(index)] as const),
  ]);
};

interface Metadata {
  readonly collectionName: string;
  readonly type: string;
  readonly options?: unknown;
  readonly indexes?: readonly { readonly name: string }[];
}

/** A command in extended JSON that answers with a cursor: {"find": …}, {"aggregate": …}. A row has the fields of a document. */
const runQuery = async (
  { config, context }: DumpRequest,
  database: string,
  text: string,
): Promise<QueryRows> => {
  const command = parseExtendedJson(text);
  if (!isDocument(command))
    throw new HoldfastError('USAGE', `the query ${text} is no command`, {
      hint: 'write one that answers with documents: {"aggregate": "orders", "pipeline": [{"$count": "n"}], "cursor": {}}',
    });
  await using connection = await connect(config, context.signal);
  const documents = await connection.list(database, command);
  return documents.map((document) =>
    [...elementsOf(document)].map((element) => asText(relaxedJson(element))),
  );
};

const asText = (json: string): string | null => {
  if (json === 'null') return null;
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
};

const databasesNamed = async ({ config, context }: DumpRequest, name: string): Promise<string[]> => {
  await using connection = await connect(config, context.signal);
  const present = await listDatabases(connection);
  return present.filter((database) => isOfScratch(name, database));
};

const removeAll = async (request: DumpRequest, name: string): Promise<void> => {
  const { config, context } = request;
  const databases = await databasesNamed(request, name);
  await using connection = await connect(config, context.signal);
  for (const database of databases) await connection.command(database, { dropDatabase: 1 });
};
