// A MongoDB for tests. No real one can be installed by them: unless HOLDFAST_TEST_MONGODB names one by its URL, it is DocumentDB,
// MongoDB's engine on PostgreSQL, behind a front of our own. What that lacks is in test/servers/documentdb/front.ts.
import { MongoClient } from 'mongodb';
import { stillOpen } from '../tools/still-open.ts';
import { type DocumentdbEngine, skipWithoutDocumentdb, startDocumentdb } from './documentdb/engine.ts';
import { type Front, type FrontOptions, startFront } from './documentdb/front.ts';

export interface MongoServer extends AsyncDisposable {
  /** A connection string, with this database in it. */
  url(database?: string): string;
  /** The official driver, connected. */
  readonly client: MongoClient;
  /** Connections that Holdfast has to it; a moment after the last is closed, none. */
  openConnections(): Promise<number>;
}

/** A stand-in, which a test may tell how to behave. */
export interface StandIn extends MongoServer {
  readonly engine: DocumentdbEngine;
  readonly front: Front;
}

const real = process.env.HOLDFAST_TEST_MONGODB;

/** Why no MongoDB can be had here, or undefined. */
export const skipWithoutMongodb = (): string | undefined => (real ? undefined : skipWithoutDocumentdb());

/** The server that HOLDFAST_TEST_MONGODB names, or else a stand-in that is a replica set of one member. */
export const startMongodb = async (): Promise<MongoServer> => {
  if (!real) return await startStandIn({ replicaSet: true });
  const client = await new MongoClient(real).connect();
  return {
    client,
    url: (database = '') => withDatabase(real, database),
    openConnections: () => stillOpen(() => countOnReal(client)),
    [Symbol.asyncDispose]: () => client.close(),
  };
};

/** Always the stand-in: for what a test must bring about in the server. */
export const startStandIn = async (options: FrontOptions = {}): Promise<StandIn> => {
  const engine = await startDocumentdb();
  const front = await startFront(engine, options);
  const client = new MongoClient(`mongodb://127.0.0.1:${front.port}/`);
  return {
    engine,
    front,
    client,
    openConnections: () => stillOpen(() => front.connectionsOf('holdfast')),
    url: (database = '') => `mongodb://127.0.0.1:${front.port}/${encodeURIComponent(database)}`,
    async [Symbol.asyncDispose]() {
      await client.close();
      await front[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
};

const withDatabase = (url: string, database: string): string =>
  url.replace(/^([^:]+:\/\/[^/?]+)(?:\/[^?]*)?/, `$1/${encodeURIComponent(database)}`);

const countOnReal = async (client: MongoClient): Promise<number> => {
  const pipeline = [
    { $currentOp: { allUsers: true, idleConnections: true } },
    { $match: { appName: 'holdfast' } },
  ];
  return (await client.db('admin').aggregate(pipeline).toArray()).length;
};
