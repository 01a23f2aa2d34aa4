// The two servers of a replication: the one that has the data, and the one that keeps copies.
import { HoldfastError } from '#lib/errors.ts';
import type { CouchConfig } from '#sources/couchdb/config.ts';
import { wantedDatabases } from '#sources/couchdb/databases.ts';
import { type CouchClient, loginOf, openClient } from '#sources/couchdb/http.ts';
import type { Endpoint } from '#sources/couchdb/replication.ts';
import { databaseInfo, listDatabases, type ServerFacts, serverFacts } from '#sources/couchdb/server.ts';
import type { SourceConfig } from '#sources/registry.ts';
import type { JobContext } from '../job-context.ts';

export interface ServersToOpen {
  readonly source: SourceConfig;
  readonly into: SourceConfig;
  /** The URLs by which the copying server reaches the source and itself, where they are others. */
  readonly from?: string | undefined;
  readonly self?: string | undefined;
}

export interface CouchServer {
  readonly client: CouchClient;
  readonly facts: ServerFacts;
  /** A database as the copying server reaches it. */
  endpoint(database: string): Endpoint;
}

export interface CouchServers extends AsyncDisposable {
  readonly source: CouchServer;
  readonly copy: CouchServer;
  /** What is to be copied, found anew; `absent` are those that are named and not there. */
  sourceDatabases(): Promise<{ readonly present: string[]; readonly absent: string[] }>;
}

/** USAGE when one of them is no CouchDB by its kind. */
export const openCouchServers = async (
  { source, into, from, self }: ServersToOpen,
  context: JobContext,
): Promise<CouchServers> => {
  const clients: CouchClient[] = [];
  const open = async (config: SourceConfig, url: string | undefined): Promise<CouchServer> => {
    const settings = couchConfigOf(config);
    const client = openClient(settings, { ...context, name: config.name });
    clients.push(client);
    const root = (url ?? settings.url.root).replace(/\/+$/, '');
    return {
      client,
      facts: await serverFacts(client),
      endpoint: (database) => ({ url: `${root}/${encodeURIComponent(database)}`, ...loginOf(settings) }),
    };
  };
  const close = (): void => {
    for (const client of clients) client.close();
  };
  try {
    const servers = { source: await open(source, from), copy: await open(into, self) };
    return {
      ...servers,
      sourceDatabases: () => databasesOf(couchConfigOf(source), servers.source),
      [Symbol.asyncDispose]: async () => close(),
    };
  } catch (error) {
    close();
    throw error;
  }
};

const couchConfigOf = ({ name, kind, config }: SourceConfig): CouchConfig => {
  if (kind === 'couchdb') return config as CouchConfig;
  throw new HoldfastError('USAGE', `${name} is of kind ${kind}: only CouchDB is replicated`, {
    hint: 'name sources of kind couchdb in `replicate` and `into`',
  });
};

const databasesOf = async (
  config: CouchConfig,
  { client, facts }: CouchServer,
): Promise<{ present: string[]; absent: string[] }> => {
  const { named, fits } = wantedDatabases(config);
  const present = new Set(fits ? (await listDatabases(client)).filter(fits) : []);
  const absent: string[] = [];
  for (const name of named)
    if (await databaseInfo(client, facts, name)) present.add(name);
    else absent.push(name);
  return { present: [...present].sort(), absent };
};
