// Connections to a server. The driver is loaded here, on first use, and met nowhere else.
import { createRequire } from 'node:module';
import type { MongoClient, MongoClientOptions } from 'mongodb';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { elementsOf, emptyDocument } from './bson.ts';
import type { MongodbConfig } from './config.ts';
import { code, connectionError, serverCode } from './server-error.ts';
import { factsOf, type Greeting, type ServerFacts } from './server-facts.ts';

/** A command, by MongoDB's own names; documents within it may be Maps. */
export type Command = Readonly<Record<string, unknown>>;
export type Reply = Readonly<Record<string, unknown>>;

/** A server. Errors are the server's own, SOURCE_UNREACHABLE, SOURCE_DENIED, or CANCELLED. */
export interface Connection extends AsyncDisposable {
  /** host:port, for messages. */
  readonly server: string;
  readonly user: string | undefined;
  readonly facts: ServerFacts;
  command(database: string, command: Command): Promise<Reply>;
  /** All documents of a command that answers with a cursor, as raw BSON. */
  list(database: string, command: Command): Promise<Uint8Array[]>;
  /** The same in batches, the next being fetched while one is used; a batch stays valid. */
  batches(database: string, command: Command): AsyncGenerator<readonly Uint8Array[]>;
  /** Inserts raw documents, which must fit into one message; unordered. Throws the first failure. `options` are the command's own. */
  insert(
    database: string,
    collection: string,
    documents: readonly Uint8Array[],
    options?: Command,
  ): Promise<void>;
}

/** Connects and asks the server what it is. */
export const connect = async (config: MongodbConfig, signal: AbortSignal): Promise<Connection> => {
  throwIfCancelled(signal);
  const { MongoClient: Client } = await import('mongodb');
  const { url } = config;
  const subject = { server: url.hosts, user: config.user ?? url.user };
  let client: MongoClient;
  try {
    client = new Client(url.reveal(), optionsOf(config, url.reveal()));
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `the connection string is refused: ${messageOf(cause)}`, {
      hint: 'its options are those of MongoDB’s own tools',
    });
  }
  const session = new Session(client, subject, signal);
  try {
    await session.greet();
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
};

const optionsOf = ({ url, user, password, connections }: MongodbConfig, text: string): MongoClientOptions => {
  const username = user ?? url.user;
  const given = (name: string): boolean => new RegExp(`[?&]${name}=`, 'i').test(text);
  return {
    ...(username !== undefined &&
      password !== undefined && { auth: { username, password: password.reveal() } }),
    ...(given('appName') ? {} : { appName: 'holdfast' }),
    ...(given('maxPoolSize') ? {} : { maxPoolSize: connections * 4 + 2 }),
    ...(given('serverSelectionTimeoutMS') ? {} : { serverSelectionTimeoutMS: 15_000 }),
  };
};

class Session implements Connection {
  readonly server: string;
  readonly user: string | undefined;
  readonly #client: MongoClient;
  readonly #signal: AbortSignal;
  readonly #cancel = (): void => void this.#client.close(true).catch(() => {});
  #facts: ServerFacts | undefined;

  constructor(
    client: MongoClient,
    subject: { server: string; user: string | undefined },
    signal: AbortSignal,
  ) {
    this.#client = client;
    this.server = subject.server;
    this.user = subject.user;
    this.#signal = signal;
    client.on('error', () => {}); // told by whatever is under way
    signal.addEventListener('abort', this.#cancel, { once: true });
  }

  get facts(): ServerFacts {
    if (!this.#facts) throw new Error('not greeted yet');
    return this.#facts;
  }

  async greet(): Promise<void> {
    const hello = (await this.#hello()) as Greeting;
    const { version } = await this.command('admin', { buildInfo: 1 });
    this.#facts = factsOf(hello, String(version));
  }

  async #hello(): Promise<Reply> {
    try {
      return await this.command('admin', { hello: 1 });
    } catch (error) {
      if (serverCode(error) !== code.commandNotFound) throw error;
      return await this.command('admin', { isMaster: 1 }); // its name before 4.4.2
    }
  }

  async command(database: string, command: Command): Promise<Reply> {
    const db = this.#client.db(database);
    return await this.#explained(() =>
      db.command({ ...command }, { promoteLongs: true, readPreference: db.readPreference ?? 'primary' }),
    );
  }

  async list(database: string, command: Command): Promise<Uint8Array[]> {
    const documents: Uint8Array[] = [];
    for await (const batch of this.batches(database, command))
      for (const document of batch) documents.push(document);
    return documents;
  }

  async *batches(database: string, command: Command): AsyncGenerator<readonly Uint8Array[]> {
    const db = this.#client.db(database);
    const readPreference = db.readPreference ?? 'primary';
    const cursor = db.runCursorCommand({ ...command }, { readPreference });
    let fetching: Promise<boolean> | undefined;
    const fetch = (): Promise<boolean> => {
      const fetched = this.#explained(() => cursor.hasNext());
      fetched.catch(() => {}); // observed when its turn comes
      return fetched;
    };
    try {
      for (fetching = fetch(); await fetching; ) {
        const documents = takeBatch(cursor);
        cursor.setBatchSize(batchSizeFor(documents));
        fetching = fetch();
        yield documents;
      }
    } finally {
      await fetching?.catch(() => {});
      await cursor.close().catch(() => {}); // the server forgets it in time
    }
  }

  async insert(
    database: string,
    collection: string,
    documents: readonly Uint8Array[],
    options: Command = {},
  ): Promise<void> {
    const reply = await this.command(database, {
      insert: collection,
      documents: rawDocuments(documents),
      ordered: false,
      bypassDocumentValidation: true,
      ...options,
    });
    const failures = reply.writeErrors ?? (reply.writeConcernError ? [reply.writeConcernError] : []);
    const [first] = failures as readonly { readonly errmsg?: string; readonly code?: number }[];
    if (!first) return;
    throw Object.assign(new Error(first.errmsg ?? 'not all documents were written'), { code: first.code });
  }

  /** What the driver throws, as this connection's users should see it. */
  async #explained<Result>(work: () => Promise<Result>): Promise<Result> {
    throwIfCancelled(this.#signal);
    try {
      return await work();
    } catch (error) {
      throwIfCancelled(this.#signal);
      throw connectionError(error, this);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#cancel);
    await this.#client.close().catch(() => {}); // it may be gone already
  }
}

/** What a cursor of the driver has fetched, in the driver's own form: it has no public door either. */
interface Fetched {
  readonly documents: { readonly batch: { toBytes(): Uint8Array }; clear(): void } | null;
}

/** The documents of a batch without the objects that the driver would make of each, which take several times their size. */
const takeBatch = (cursor: object): Uint8Array[] => {
  const { documents } = cursor as Fetched;
  const found = [...elementsOf(documents?.batch.toBytes() ?? emptyDocument)].map(({ value }) => value);
  documents?.clear();
  return found;
};

/** A batch is at most 16 MB in any case; of small documents it shall be about this large. */
const batchBytes = 1024 * 1024;

const batchSizeFor = (documents: readonly Uint8Array[]): number => {
  const bytes = documents.reduce((sum, document) => sum + document.length, 0);
  return Math.max(1, Math.ceil((batchBytes * documents.length) / Math.max(bytes, emptyDocument.length)));
};

/** The driver's own class for documents that travel beside their command as they are; it has no public door. */
interface DocumentSequence {
  push(document: object, bytes: Uint8Array): number;
}

const rawDocuments = (documents: readonly Uint8Array[]): DocumentSequence => {
  const commands = createRequire(import.meta.url)('mongodb/lib/cmap/commands') as {
    readonly DocumentSequence: new (field: string) => DocumentSequence;
  };
  const sequence = new commands.DocumentSequence('documents');
  for (const document of documents) sequence.push({}, document);
  return sequence;
};
